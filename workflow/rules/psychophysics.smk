"""Psychophysics in silico, and against people (B §2.3, §3.1, fig. 2, 5, 12, 13)."""


rule simulate_psychophysics:
    input:
        directions=ancient(
            directed(lambda: study.interpretability.psychophysics.methods, "h5")
        ),
        directions_manifests=directed(
            lambda: study.interpretability.psychophysics.methods, "json"
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
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        cfg=lambda w: index_config(
            w, **stage_config(study.interpretability.psychophysics)
        ),
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
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=lambda w: stage_config(
            study.interpretability.psychophysics, study=study.study
        ),
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
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=lambda w: stage_config(
            study=study.study,
            metric=HEADLINE,
            sides=study.interpretability.psychophysics.sides,
        ),
        code=code_of("draw_trial.py"),
    message:
        "Draw a psychophysics trial of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/draw_trial.py"


rule compare_people:
    input:
        responses=lambda w: local(study.people.responses),
        file_map=lambda w: local(study.people.file_map),
        checkpoint=lambda w: ancient(
            f"results/checkpoints/{backbone_model(study, study.people.backbone)}.pt"
        ),
        checkpoint_manifest=lambda w: f"results/checkpoints/{backbone_model(study, study.people.backbone)}.json",
    output:
        trials="results/people/trials.csv",
        agreement=report(
            "results/people/agreement.csv",
            caption="../report/agreement.rst",
            category="Interpretability",
            labels={"result": "in-silico choices against people's", "form": "table"},
        ),
        curves="results/people/curves.csv",
    log:
        "results/logs/compare_people.log",
    benchmark:
        "results/benchmarks/compare_people.jsonl"
    conda:
        "../../envs/gpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(240),
        gpu=gpu_request,
    params:
        cfg=lambda w: stage_config(
            study.people, backbone=backbone_config(study.people.backbone)
        ),
        code=code_of("compare_people.py"),
    message:
        "Compare in-silico choices with those of people"
    script:
        "../../scripts/compare_people.py"


rule draw_agreement:
    input:
        agreement="results/people/agreement.csv",
        curves="results/people/curves.csv",
    output:
        **figure_files(
            "agreement", "Interpretability", "in-silico choices against people's"
        ),
    log:
        "results/logs/draw_agreement.log",
    benchmark:
        "results/benchmarks/draw_agreement.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_agreement.py"),
    message:
        "Draw the ROC curves of in-silico choices"
    script:
        "../../scripts/draw_agreement.py"
