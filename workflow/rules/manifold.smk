"""Most exciting images on a map, and units that are active with others (B fig. 6, 10)."""


rule embed_manifold:
    input:
        data=ancient("results/activations/{model}/{stimuli}.h5"),
        manifest="results/activations/{model}/{stimuli}.json",
        directions=ancient(
            directed(lambda: study.interpretability.manifold.methods, "h5")
        ),
        directions_manifests=directed(
            lambda: study.interpretability.manifold.methods, "json"
        ),
        embeddings=ancient(embedded("h5")),
        embeddings_manifests=embedded("json"),
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        images="results/interpretability/{model}/{stimuli}/manifold.csv",
        activity="results/interpretability/{model}/{stimuli}/manifold_activity.csv",
        units=report(
            "results/interpretability/{model}/{stimuli}/manifold_units.csv",
            caption="../report/manifold_units.rst",
            category="Interpretability",
            labels={
                "result": "sparsity on the manifold, {model} on {stimuli}",
                "form": "table",
            },
        ),
    log:
        "results/logs/embed_manifold/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/embed_manifold/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        cfg=lambda w: index_config(
            w,
            metric=HEADLINE,
            reduction=study.directions.reduction,
            **stage_config(study.interpretability.manifold),
        ),
        code=code_of("embed_manifold.py"),
    message:
        "Most exciting images of {wildcards.model} on {wildcards.stimuli} on a map"
    script:
        "../../scripts/embed_manifold.py"


rule draw_manifold:
    input:
        images="results/interpretability/{model}/{stimuli}/manifold.csv",
        activity="results/interpretability/{model}/{stimuli}/manifold_activity.csv",
        units="results/interpretability/{model}/{stimuli}/manifold_units.csv",
    output:
        **figure_files(
            "manifold-{model}-{stimuli}",
            "Interpretability",
            "sparsity on the manifold, {model} on {stimuli}",
        ),
    log:
        "results/logs/draw_manifold/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/draw_manifold/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study.claims, study=study.study),
        code=code_of("draw_manifold.py"),
    message:
        "Draw the manifold of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/draw_manifold.py"


rule measure_coactivation:
    input:
        data=ancient("results/activations/{model}/{stimuli}.h5"),
        manifest="results/activations/{model}/{stimuli}.json",
        checkpoint=ancient("results/checkpoints/{model}.pt"),
        checkpoint_manifest="results/checkpoints/{model}.json",
        embeddings=ancient(embedded("h5")),
        embeddings_manifests=embedded("json"),
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        table=report(
            "results/interpretability/{model}/{stimuli}/coactivation.csv",
            caption="../report/coactivation.rst",
            category="Interpretability",
            labels={
                "result": "co-activation, {model} on {stimuli}",
                "form": "table",
            },
        ),
    log:
        "results/logs/measure_coactivation/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/measure_coactivation/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/gpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
        gpu=gpu_request,
    params:
        cfg=lambda w: index_config(w, reduction=study.directions.reduction),
        code=code_of("measure_coactivation.py"),
    message:
        "Co-activation of the units of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/measure_coactivation.py"


rule draw_coactivation:
    input:
        table="results/interpretability/{model}/{stimuli}/coactivation.csv",
    output:
        **figure_files(
            "coactivation-{model}-{stimuli}",
            "Interpretability",
            "II against co-activation, {model} on {stimuli}",
        ),
    log:
        "results/logs/draw_coactivation/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/draw_coactivation/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study.claims, study=study.study, metric=HEADLINE),
        code=code_of("draw_coactivation.py"),
    message:
        "Draw the II against co-activation, {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/draw_coactivation.py"
