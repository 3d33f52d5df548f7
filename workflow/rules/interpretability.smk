"""Perceptual embeddings, once an image, and the Interpretability Index (methods §6)."""


rule embed_stimuli:
    input:
        checkpoint=lambda w: ancient(
            f"results/checkpoints/{backbone_model(study, w.backbone)}.pt"
        ),
        checkpoint_manifest=lambda w: f"results/checkpoints/{backbone_model(study, w.backbone)}.json",
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        data="results/embeddings/{backbone}/{stimuli}.h5",
        manifest="results/embeddings/{backbone}/{stimuli}.json",
    log:
        "results/logs/embed_stimuli/{backbone}/{stimuli}.log",
    benchmark:
        "results/benchmarks/embed_stimuli/{backbone}/{stimuli}.jsonl"
    conda:
        "../../envs/gpu.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=gpu_request,
    params:
        cfg=lambda w: stage_config(
            backbone=backbone_config(w.backbone), stimuli=w.stimuli
        ),
        code=code_of("embed_stimuli.py"),
    message:
        "Embed {wildcards.stimuli} with the backbone {wildcards.backbone}"
    script:
        "../../scripts/embed_stimuli.py"


rule score_interpretability:
    input:
        directions=ancient(
            expand(
                "results/directions/{{model}}/{{stimuli}}/{method}.h5",
                method=plan.methods,
            )
        ),
        directions_manifests=expand(
            "results/directions/{{model}}/{{stimuli}}/{method}.json",
            method=plan.methods,
        ),
        embeddings=ancient(
            expand(
                "results/embeddings/{backbone}/{{stimuli}}.h5",
                backbone=study.interpretability.backbones,
            )
        ),
        embeddings_manifests=expand(
            "results/embeddings/{backbone}/{{stimuli}}.json",
            backbone=study.interpretability.backbones,
        ),
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        scores=report(
            "results/interpretability/{model}/{stimuli}.csv",
            caption="../report/scores.rst",
            category="Interpretability",
            labels={
                "result": "II of every direction, {model} on {stimuli}",
                "form": "table",
            },
        ),
    log:
        "results/logs/score_interpretability/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/score_interpretability/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        cfg=lambda w: stage_config(
            study.interpretability,
            methods=list(plan.methods),
            layers=plan.layer_names("directions", w.model, w.stimuli),
            model=w.model,
            stimuli=w.stimuli,
        ),
        code=code_of("score_interpretability.py"),
    message:
        "Interpretability Index of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/score_interpretability.py"
