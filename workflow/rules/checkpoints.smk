"""Checkpoints: trained here, imported, downloaded or untrained; all in one form with a manifest."""


rule train_classifier:
    input:
        unpack(training_sets),
    output:
        **NETWORK_FILES,
        epochs=table("results/checkpoints/{model}.csv", "training epochs of {model}", "epochs"),
    log:
        "results/logs/train_classifier/{model}.log",
    benchmark:
        "results/benchmarks/train_classifier/{model}.jsonl"
    wildcard_constraints:
        model=models_with("train"),
    cache: SHARING
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=4000, runtime=720),
    params:
        cfg=lambda w: stage_config(
            model=model_description(w.model), training=stage_config(plan.models[w.model].training)
        ),
        code=code_of("train_classifier.py"),
        files=lambda w: files_of(plan.models[w.model]),
        software=software(*NETWORK_SOFTWARE, "numpy", "pillow"),
    message:
        "Train {wildcards.model}"
    script:
        "../../scripts/train_classifier.py"


rule import_checkpoint:
    output:
        **NETWORK_FILES,
    log:
        "results/logs/import_checkpoint/{model}.log",
    benchmark:
        "results/benchmarks/import_checkpoint/{model}.jsonl"
    wildcard_constraints:
        model=models_with("path", "package", "hub", "own"),
    conda:
        "../../envs/gpu.yaml"
    resources:
        **growing(mem_mb=4000, runtime=30),
    params:
        cfg=lambda w: stage_config(
            model=model_description(w.model),
            **plan.models[w.model].model_dump(mode="json", include=SOURCE),
        ),
        code=code_of("import_checkpoint.py"),
        files=lambda w: files_of(plan.models[w.model], rules.import_checkpoint, w),
    message:
        "Import the checkpoint of {wildcards.model}"
    script:
        "../../scripts/import_checkpoint.py"


rule initialise_checkpoint:
    output:
        **NETWORK_FILES,
    log:
        "results/logs/initialise_checkpoint/{model}.log",
    benchmark:
        "results/benchmarks/initialise_checkpoint/{model}.jsonl"
    wildcard_constraints:
        model=models_with("random"),
    conda:
        "../../envs/gpu.yaml"
    resources:
        **growing(mem_mb=4000, runtime=30),
    params:
        cfg=lambda w: stage_config(model=model_description(w.model), seed=plan.models[w.model].seed),
        code=code_of("initialise_checkpoint.py"),
        files=lambda w: files_of(plan.models[w.model]),
    message:
        "Initialise the untrained {wildcards.model}"
    script:
        "../../scripts/initialise_checkpoint.py"


rule download_checkpoint:
    output:
        **NETWORK_FILES,
    log:
        "results/logs/download_checkpoint/{model}.log",
    benchmark:
        "results/benchmarks/download_checkpoint/{model}.jsonl"
    wildcard_constraints:
        model=models_with("torchvision"),
    conda:
        "../../envs/gpu.yaml"
    resources:
        **growing(mem_mb=4000, runtime=60),
    params:
        cfg=lambda w: stage_config(model=model_description(w.model), tag=plan.models[w.model].tag),
        code=code_of("download_checkpoint.py"),
    message:
        "Download torchvision's weights for {wildcards.model}"
    script:
        "../../scripts/download_checkpoint.py"
