"""Most exciting images on a map, and units that are active with others (B fig. 6, 10)."""


rule embed_manifold:
    input:
        **captured("directions"),
        **directions_of(lambda w: study.interpretability.manifold.methods),
        **EMBEDDINGS,
        **STIMULI,
    output:
        images=f"{SCORES}/manifold.csv",
        activity=f"{SCORES}/manifold_activity.csv",
        units=table(f"{SCORES}/manifold_units.csv", "spread on the manifold"),
    log:
        "results/logs/embed_manifold/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/embed_manifold/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=8000, runtime=60),
    params:
        cfg=lambda w: index_config(
            w,
            metric=HEADLINE,
            **stage_config(study.interpretability.manifold),
        ),
        code=code_of("embed_manifold.py"),
    message:
        "Most exciting images of {wildcards.model} on {wildcards.stimuli} on a map"
    script:
        "../../scripts/embed_manifold.py"


use rule figure as draw_manifold with:
    input:
        manifold_images=f"{SCORES}/manifold.csv",
        manifold_activity=f"{SCORES}/manifold_activity.csv",
        manifold_units=f"{SCORES}/manifold_units.csv",
    output:
        **run_figure_files("manifold", "spread on the manifold"),
    pathvars:
        figure="manifold-{model}-{stimuli}",
    params:
        **drawn_by("manifold.draw_manifold"),
        cfg=stage_config(study.claims, study=study.study, backbones=BACKBONES),


rule measure_coactivation:
    input:
        **captured("directions"),
        **CHECKPOINT,
        **EMBEDDINGS,
        **STIMULI,
    output:
        table=table(f"{SCORES}/coactivation.csv", "co-activation"),
    log:
        "results/logs/measure_coactivation/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/measure_coactivation/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=8000, runtime=120),
    params:
        cfg=lambda w: index_config(w),
        code=code_of("measure_coactivation.py"),
    message:
        "Co-activation of the units of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/measure_coactivation.py"


use rule figure as draw_coactivation with:
    input:
        coactivation=f"{SCORES}/coactivation.csv",
    output:
        **run_figure_files("coactivation", "II against co-activation"),
    pathvars:
        figure="coactivation-{model}-{stimuli}",
    params:
        **drawn_by("manifold.draw_coactivation"),
        cfg=stage_config(study.claims, study=study.study, backbones=BACKBONES, metric=HEADLINE),
