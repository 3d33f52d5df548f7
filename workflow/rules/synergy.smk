"""Synergy: all pairs of units of a layer, added (methods §6)."""


rule score_synergies:
    input:
        data=ancient("results/activations/{model}/{stimuli}.h5"),
        manifest="results/activations/{model}/{stimuli}.json",
        embeddings=ancient(embedded("h5")),
        embeddings_manifests=embedded("json"),
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        synergies="results/interpretability/{model}/{stimuli}/synergies.csv",
        units=report(
            "results/interpretability/{model}/{stimuli}/synergy_units.csv",
            caption="../report/synergy_units.rst",
            category="Interpretability",
            labels={
                "result": "best synergy of every unit, {model} on {stimuli}",
                "form": "table",
            },
        ),
        images="results/interpretability/{model}/{stimuli}/synergy_images.csv",
    log:
        "results/logs/score_synergies/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/score_synergies/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        cfg=lambda w: index_config(w, reduction=study.directions.reduction),
        code=code_of("score_synergies.py"),
    message:
        "Synergy of all pairs of units of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/score_synergies.py"


rule draw_synergy:
    input:
        synergies="results/interpretability/{model}/{stimuli}/synergies.csv",
        units="results/interpretability/{model}/{stimuli}/synergy_units.csv",
    output:
        **figure_files(
            "synergy-{model}-{stimuli}",
            "Interpretability",
            "synergy of pairs of units, {model} on {stimuli}",
        ),
    log:
        "results/logs/draw_synergy/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/draw_synergy/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study, metric=HEADLINE),
        code=code_of("draw_synergy.py"),
    message:
        "Draw the synergies of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/draw_synergy.py"


rule draw_pairs:
    input:
        table="results/interpretability/{model}/{stimuli}/synergy_images.csv",
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        **figure_files(
            "pairs-{model}-{stimuli}",
            "Interpretability",
            "images of the best pairs of units, {model} on {stimuli}",
        ),
    log:
        "results/logs/draw_pairs/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/draw_pairs/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study, metric=HEADLINE),
        code=code_of("draw_pairs.py"),
    message:
        "Draw the best pairs of units of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/draw_pairs.py"
