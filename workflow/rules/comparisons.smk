"""II of methods, halves of the units, controls and autoencoders compared (B fig. 3, 9)."""


rule score_halves:
    input:
        data=ancient("results/activations/{model}/{stimuli}.h5"),
        manifest="results/activations/{model}/{stimuli}.json",
        scores=f"{SCORES}/directions.csv",
        embeddings=ancient(embedded("h5")),
        embeddings_manifests=embedded("json"),
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        halves=report(
            f"{SCORES}/halves.csv",
            caption="../report/halves.rst",
            category="Interpretability",
            labels={
                "result": "II on halves of the units, {model} on {stimuli}",
                "form": "table",
            },
        ),
        resampled=f"{SCORES}/halves_resampled.csv",
    log:
        "results/logs/score_halves/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/score_halves/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        cfg=lambda w: index_config(
            w,
            metric=HEADLINE,
            reduction=study.directions.reduction,
            kmeans=study.directions.methods.kmeans.model_dump(exclude={"k"}),
            resamples=study.index.resamples,
            seed=study.index.seed,
        ),
        code=code_of("score_halves.py"),
    message:
        "II on halves of the units of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/score_halves.py"


rule draw_index_panels:
    input:
        scores=f"{SCORES}/directions.csv",
        resampled=f"{SCORES}/directions_resampled.csv",
        halves=f"{SCORES}/halves.csv",
        halves_resampled=f"{SCORES}/halves_resampled.csv",
    output:
        **figure_files(
            "index-{model}-{stimuli}",
            "Interpretability",
            "II by method, perceptual layer and half, {model} on {stimuli}",
        ),
    log:
        "results/logs/draw_index_panels/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/draw_index_panels/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study, metric=HEADLINE),
        code=code_of("draw_index_panels.py"),
    message:
        "Draw the II of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/draw_index_panels.py"


rule draw_controls:
    input:
        scores=for_each(f"{SCORES}/directions.csv", analysis_runs(study)),
        resampled=for_each(f"{SCORES}/directions_resampled.csv", analysis_runs(study)),
    output:
        **figure_files(
            "controls", "Interpretability", "gains of K-Means and of controls"
        ),
    log:
        "results/logs/draw_controls.log",
    benchmark:
        "results/benchmarks/draw_controls.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_controls.py"),
    message:
        "Draw the gains of K-Means and of the controls"
    script:
        "../../scripts/draw_controls.py"


rule draw_autoencoders:
    input:
        autoencoders=f"{SCORES}/autoencoders.csv",
        autoencoders_resampled=f"{SCORES}/autoencoders_resampled.csv",
        directions=f"{SCORES}/directions.csv",
        directions_resampled=f"{SCORES}/directions_resampled.csv",
        manifests=directed(lambda: [*plan.grid], "json"),
    output:
        **figure_files(
            "autoencoders-{model}-{stimuli}",
            "Interpretability",
            "sparse autoencoders, {model} on {stimuli}",
        ),
    log:
        "results/logs/draw_autoencoders/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/draw_autoencoders/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=lambda w: stage_config(
            study=study.study, metric=HEADLINE, methods=[*plan.grid]
        ),
        code=code_of("draw_autoencoders.py"),
    message:
        "Draw the sparse autoencoders of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/draw_autoencoders.py"
