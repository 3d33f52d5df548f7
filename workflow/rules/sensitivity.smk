"""From centroid to centroid: II, and how sensitive directions are to the image (methods §6)."""


rule measure_sensitivity:
    input:
        **captured("directions"),
        **CHECKPOINT,
        **directions_of(lambda w: [study.interpretability.sensitivity.method]),
        **EMBEDDINGS,
        **STIMULI,
    output:
        paths=f"{SCORES}/sensitivity.csv",
        gradients=f"{SCORES}/sensitivity_gradients.csv",
        pairs=f"{SCORES}/sensitivity_pairs.csv",
        centroids=table(f"{SCORES}/sensitivity_centroids.csv", "II and gradients of centroids"),
    log:
        "results/logs/measure_sensitivity/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/measure_sensitivity/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=8000, runtime=240),
    params:
        cfg=lambda w: index_config(
            w,
            **stage_config(study.interpretability.sensitivity),
        ),
        code=code_of("measure_sensitivity.py"),
    message:
        "Sensitivity of {wildcards.model} on {wildcards.stimuli} from centroid to centroid"
    script:
        "../../scripts/measure_sensitivity.py"


use rule figure as draw_sensitivity with:
    input:
        sensitivity=f"{SCORES}/sensitivity.csv",
        sensitivity_gradients=f"{SCORES}/sensitivity_gradients.csv",
        sensitivity_pairs=f"{SCORES}/sensitivity_pairs.csv",
        sensitivity_centroids=f"{SCORES}/sensitivity_centroids.csv",
    output:
        **run_figure_files("sensitivity", "sensitivity between centroids"),
    pathvars:
        figure="sensitivity-{model}-{stimuli}",
    params:
        **drawn_by("sensitivity.draw_sensitivity"),
        cfg=stage_config(study.claims, study=study.study, backbones=BACKBONES, metric=HEADLINE),
