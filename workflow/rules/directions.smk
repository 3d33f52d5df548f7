"""Directions in activation space: one job a method, all layers of a run together (methods §5).

Sparse autoencoders of one size, one a penalty, are one job: of the main job's methods, or of the
grid, whose files lie apart, so that another penalty there leaves the main job's as they are.
"""


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
        **autoencoder_files("directions"),
    log:
        "results/logs/train_autoencoder/{model}/{stimuli}/sae-{z}.log",
    benchmark:
        "results/benchmarks/train_autoencoder/{model}/{stimuli}/sae-{z}.jsonl"
    wildcard_constraints:
        z=autoencoder_sizes("directions"),
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=4000, runtime=240),
    params:
        cfg=autoencoders_config("directions"),
        code=code_of("train_autoencoder.py"),
    message:
        "Train sparse autoencoders of size {wildcards.z} on {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/train_autoencoder.py"


use rule train_autoencoder as train_autoencoder_grid with:
    output:
        **autoencoder_files("autoencoders"),
    log:
        "results/logs/train_autoencoder_grid/{model}/{stimuli}/sae-{z}.log",
    benchmark:
        "results/benchmarks/train_autoencoder_grid/{model}/{stimuli}/sae-{z}.jsonl"
    wildcard_constraints:
        z=autoencoder_sizes("autoencoders"),
    params:
        cfg=autoencoders_config("autoencoders"),
        code=code_of("train_autoencoder.py"),
    message:
        "Train the grid's autoencoders of size {wildcards.z} on {wildcards.model} on {wildcards.stimuli}"
