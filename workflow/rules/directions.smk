"""Directions in activation space: one job a method, all layers of a run together (methods §5)."""


rule find_directions:
    input:
        **captured("directions"),
    output:
        **written("results/directions/{model}/{stimuli}/{method}"),
    log:
        "results/logs/find_directions/{model}/{stimuli}/{method}.log",
    benchmark:
        "results/benchmarks/find_directions/{model}/{stimuli}/{method}.jsonl"
    wildcard_constraints:
        method=r"(?!sae-)[A-Za-z0-9_.-]+",
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=4000, runtime=240),
    params:
        cfg=directions_config,
        code=code_of("find_directions.py"),
    message:
        "Directions {wildcards.method} of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/find_directions.py"


rule train_autoencoder:
    input:
        **captured("directions"),
    output:
        **written("results/directions/{model}/{stimuli}/{method}"),
        epochs="results/directions/{model}/{stimuli}/{method}.csv",
    log:
        "results/logs/train_autoencoder/{model}/{stimuli}/{method}.log",
    benchmark:
        "results/benchmarks/train_autoencoder/{model}/{stimuli}/{method}.jsonl"
    wildcard_constraints:
        method=r"sae-[A-Za-z0-9_.-]+",
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=4000, runtime=240),
    params:
        cfg=directions_config,
        code=code_of("train_autoencoder.py"),
    message:
        "Train {wildcards.method} on {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/train_autoencoder.py"
