"""Perceptual embeddings, once an image, and the Interpretability Index (methods §6)."""


rule embed_stimuli:
    input:
        **STIMULI,
        **checkpoint_of(lambda w: backbone_model(study, w.backbone)),
    output:
        **written("results/embeddings/{backbone}/{stimuli}"),
    log:
        "results/logs/embed_stimuli/{backbone}/{stimuli}.log",
    benchmark:
        "results/benchmarks/embed_stimuli/{backbone}/{stimuli}.jsonl"
    wildcard_constraints:
        backbone=backbones_of("network", "imagenet", "path", "random"),
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=4000, runtime=240),
    params:
        cfg=lambda w: stage_config(
            backbone=backbone_config(w.backbone, w.stimuli), stimuli=w.stimuli
        ),
        code=code_of("embed_stimuli.py"),
    message:
        "Embed {wildcards.stimuli} with the backbone {wildcards.backbone}"
    script:
        "../../scripts/embed_stimuli.py"


rule embed_by_dreamsim:
    input:
        **STIMULI,
    output:
        **written("results/embeddings/{backbone}/{stimuli}"),
    log:
        "results/logs/embed_by_dreamsim/{backbone}/{stimuli}.log",
    benchmark:
        "results/benchmarks/embed_by_dreamsim/{backbone}/{stimuli}.jsonl"
    wildcard_constraints:
        backbone=backbones_of("dreamsim"),
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=8000, runtime=240),
    params:
        cfg=lambda w: stage_config(
            name=w.backbone, variant=study.backbones[w.backbone].variant, stimuli=w.stimuli
        ),
        code=code_of("embed_by_dreamsim.py"),
        files=lambda w: files_of(study.backbones[w.backbone]),
    message:
        "Embed {wildcards.stimuli} with DreamSim as {wildcards.backbone}"
    script:
        "../../scripts/embed_by_dreamsim.py"


rule import_embeddings:
    input:
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        **written("results/embeddings/{backbone}/{stimuli}"),
    log:
        "results/logs/import_embeddings/{backbone}/{stimuli}.log",
    benchmark:
        "results/benchmarks/import_embeddings/{backbone}/{stimuli}.jsonl"
    wildcard_constraints:
        backbone=backbones_of("embeddings"),
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=4000, runtime=60),
    params:
        cfg=given_embeddings_config,
        code=code_of("import_embeddings.py"),
        files=lambda w: plan.embeddings[w.backbone, w.stimuli],
    message:
        "Import the embeddings {wildcards.backbone} of {wildcards.stimuli}"
    script:
        "../../scripts/import_embeddings.py"


rule score_interpretability:
    input:
        **directions_of(scored_methods),
        **EMBEDDINGS,
        **STIMULI,
    output:
        scores=f"{SCORES}/{{group}}.csv",
        resampled=f"{SCORES}/{{group}}_resampled.csv",
    log:
        "results/logs/score_interpretability/{model}/{stimuli}/{group}.log",
    benchmark:
        "results/benchmarks/score_interpretability/{model}/{stimuli}/{group}.jsonl"
    wildcard_constraints:
        group="directions|autoencoders",
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=8000, runtime=120),
    params:
        cfg=lambda w: index_config(
            w,
            methods=scored_methods(w),
            resamples=study.index.resamples,
            resampled=resampled(study, "index", w.stimuli),
            seed=study.index.seed,
        ),
        code=code_of("score_interpretability.py"),
    message:
        "Interpretability Index of {wildcards.model} on {wildcards.stimuli}, {wildcards.group}"
    script:
        "../../scripts/score_interpretability.py"
