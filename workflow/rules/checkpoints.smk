"""Checkpoints: trained here, imported, downloaded or untrained; all in one form with a manifest."""


def model_description(name):
    """What a checkpoint's manifest says of the network itself."""
    model = plan.models[name]
    return stage_config(
        name=name,
        architecture=stage_config(model.architecture),
        classes=model.classes,
        preprocessing=stage_config(model.preprocessing),
        weights=model.weights,
    )


def training_sets(wildcards):
    """Stimulus files of a training run."""
    training = plan.models[wildcards.model].training
    return {
        "train": ancient(f"results/stimuli/{training.train}.h5"),
        "train_manifest": f"results/stimuli/{training.train}.json",
        "test": ancient(f"results/stimuli/{training.test}.h5"),
        "test_manifest": f"results/stimuli/{training.test}.json",
    }


rule train_classifier:
    message:
        "Train {wildcards.model}"
    input:
        unpack(training_sets),
    output:
        checkpoint="results/checkpoints/{model}.pt",
        manifest="results/checkpoints/{model}.json",
        epochs=report(
            "results/checkpoints/{model}.csv",
            caption="../report/epochs.rst",
            category="Networks",
            labels={"table": "training epochs", "model": "{model}"},
        ),
    wildcard_constraints:
        model=models_with("train"),
    params:
        cfg=lambda w: stage_config(
            model=model_description(w.model),
            training=stage_config(plan.models[w.model].training),
        ),
        code=code_of("train_classifier.py"),
    log:
        "results/logs/train_classifier/{model}.log",
    benchmark:
        "results/benchmarks/train_classifier/{model}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=720,
        gpu=gpu_request,
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/train_classifier.py"


rule import_checkpoint:
    message:
        "Import the checkpoint of {wildcards.model}"
    input:
        source=lambda w: plan.models[w.model].path,
    output:
        checkpoint="results/checkpoints/{model}.pt",
        manifest="results/checkpoints/{model}.json",
    wildcard_constraints:
        model=models_with("path"),
    params:
        cfg=lambda w: stage_config(
            model=model_description(w.model), sha256=plan.models[w.model].sha256
        ),
        code=code_of("import_checkpoint.py"),
    log:
        "results/logs/import_checkpoint/{model}.log",
    benchmark:
        "results/benchmarks/import_checkpoint/{model}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/import_checkpoint.py"


rule initialise_checkpoint:
    message:
        "Initialise the untrained {wildcards.model}"
    output:
        checkpoint="results/checkpoints/{model}.pt",
        manifest="results/checkpoints/{model}.json",
    wildcard_constraints:
        model=models_with("random"),
    params:
        cfg=lambda w: stage_config(model=model_description(w.model), seed=plan.models[w.model].seed),
        code=code_of("initialise_checkpoint.py"),
    log:
        "results/logs/initialise_checkpoint/{model}.log",
    benchmark:
        "results/benchmarks/initialise_checkpoint/{model}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/initialise_checkpoint.py"


rule download_checkpoint:
    message:
        "Download torchvision's weights for {wildcards.model}"
    output:
        checkpoint="results/checkpoints/{model}.pt",
        manifest="results/checkpoints/{model}.json",
    wildcard_constraints:
        model=models_with("torchvision"),
    params:
        cfg=lambda w: stage_config(model=model_description(w.model), tag=plan.models[w.model].tag),
        code=code_of("download_checkpoint.py"),
    log:
        "results/logs/download_checkpoint/{model}.log",
    benchmark:
        "results/benchmarks/download_checkpoint/{model}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    conda:
        "../../envs/gpu.yaml"
    script:
        "../../scripts/download_checkpoint.py"
