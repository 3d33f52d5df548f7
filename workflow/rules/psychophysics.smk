"""Psychophysics in silico: can the queries of a direction be told by its images (methods §6)."""


rule simulate_psychophysics:
    input:
        directions=ancient(directed(lambda: study.features.psychophysics.methods, "h5")),
        directions_manifests=directed(
            lambda: study.features.psychophysics.methods, "json"
        ),
        embeddings=ancient(embedded("h5")),
        embeddings_manifests=embedded("json"),
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        accuracy="results/interpretability/{model}/{stimuli}/psychophysics.csv",
        trial="results/interpretability/{model}/{stimuli}/psychophysics_trial.csv",
    log:
        "results/logs/simulate_psychophysics/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/simulate_psychophysics/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        cfg=lambda w: index_config(w, **stage_config(study.features.psychophysics)),
        code=code_of("simulate_psychophysics.py"),
    message:
        "Psychophysics in silico of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/simulate_psychophysics.py"


rule draw_psychophysics:
    input:
        accuracy="results/interpretability/{model}/{stimuli}/psychophysics.csv",
    output:
        **figure_files(
            "psychophysics-{model}-{stimuli}",
            "Interpretability",
            "accuracy against difficulty, {model} on {stimuli}",
        ),
    log:
        "results/logs/draw_psychophysics/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/draw_psychophysics/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        cfg=lambda w: stage_config(study.features.psychophysics, study=study.study),
        code=code_of("draw_psychophysics.py"),
    message:
        "Draw the accuracies of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/draw_psychophysics.py"


rule draw_trial:
    input:
        trial="results/interpretability/{model}/{stimuli}/psychophysics_trial.csv",
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        **figure_files(
            "trial-{model}-{stimuli}",
            "Interpretability",
            "a psychophysics trial, {model} on {stimuli}",
        ),
    log:
        "results/logs/draw_trial/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/draw_trial/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        cfg=lambda w: stage_config(
            study=study.study,
            metric=HEADLINE,
            sides=study.features.psychophysics.sides,
        ),
        code=code_of("draw_trial.py"),
    message:
        "Draw a psychophysics trial of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/draw_trial.py"
