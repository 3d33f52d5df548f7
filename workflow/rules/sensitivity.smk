"""From centroid to centroid: II, and how sensitive directions are to the image (methods §6)."""


rule measure_sensitivity:
    input:
        data=ancient("results/activations/{model}/{stimuli}.h5"),
        manifest="results/activations/{model}/{stimuli}.json",
        checkpoint=ancient("results/checkpoints/{model}.pt"),
        checkpoint_manifest="results/checkpoints/{model}.json",
        directions=ancient(
            directed(lambda: [study.interpretability.sensitivity.method], "h5")
        ),
        directions_manifests=directed(
            lambda: [study.interpretability.sensitivity.method], "json"
        ),
        embeddings=ancient(embedded("h5")),
        embeddings_manifests=embedded("json"),
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        paths="results/interpretability/{model}/{stimuli}/sensitivity.csv",
        gradients="results/interpretability/{model}/{stimuli}/sensitivity_gradients.csv",
        pairs="results/interpretability/{model}/{stimuli}/sensitivity_pairs.csv",
        centroids=report(
            "results/interpretability/{model}/{stimuli}/sensitivity_centroids.csv",
            caption="../report/sensitivity_centroids.rst",
            category="Interpretability",
            labels={
                "result": "II and gradients of centroids, {model} on {stimuli}",
                "form": "table",
            },
        ),
    log:
        "results/logs/measure_sensitivity/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/measure_sensitivity/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/gpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
        gpu=gpu_request,
    params:
        cfg=lambda w: index_config(
            w,
            reduction=study.directions.reduction,
            **stage_config(study.interpretability.sensitivity),
        ),
        code=code_of("measure_sensitivity.py"),
    message:
        "Sensitivity of {wildcards.model} on {wildcards.stimuli} from centroid to centroid"
    script:
        "../../scripts/measure_sensitivity.py"


rule draw_sensitivity:
    input:
        paths="results/interpretability/{model}/{stimuli}/sensitivity.csv",
        gradients="results/interpretability/{model}/{stimuli}/sensitivity_gradients.csv",
        pairs="results/interpretability/{model}/{stimuli}/sensitivity_pairs.csv",
        centroids="results/interpretability/{model}/{stimuli}/sensitivity_centroids.csv",
    output:
        **figure_files(
            "sensitivity-{model}-{stimuli}",
            "Interpretability",
            "sensitivity between centroids, {model} on {stimuli}",
        ),
    log:
        "results/logs/draw_sensitivity/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/draw_sensitivity/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study.claims, study=study.study, metric=HEADLINE),
        code=code_of("draw_sensitivity.py"),
    message:
        "Draw the sensitivity of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/draw_sensitivity.py"
