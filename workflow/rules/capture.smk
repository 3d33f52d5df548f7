"""Activations of every layer that an analysis looks at, from one forward pass a stimulus or a file.

With `capture.shards` the passes are made by several jobs, whose files are gathered without a copy.
"""


rule capture_shard:
    input:
        **CHECKPOINT,
        **STIMULI,
    output:
        **written("results/activations/{model}/{stimuli}{noise}{piece}.shards/{shard}-of-{shards}"),
    log:
        "results/logs/capture_shard/{model}/{stimuli}{noise}{piece}/{shard}-of-{shards}.log",
    benchmark:
        "results/benchmarks/capture_shard/{model}/{stimuli}{noise}{piece}/{shard}-of-{shards}.jsonl"
    wildcard_constraints:
        model=names_of(plan.models),
        noise="(-noisy)?",
    cache: SHARING
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=4000, runtime=720),
    params:
        cfg=lambda w: stage_config(**capture_config(w), shard=int(w.shard), shards=int(w.shards)),
        code=code_of("capture_shard.py"),
        software=software(*NETWORK_SOFTWARE, "h5py", "numpy", "pillow"),
    message:
        "Capture {wildcards.model} on {wildcards.stimuli}{wildcards.noise}{wildcards.piece}, shard {wildcards.shard} of {wildcards.shards}"
    script:
        "../../scripts/capture_shard.py"


rule capture_activations:
    input:
        **CHECKPOINT,
        **STIMULI,
        shards=ancient(lambda w: image_shards(w, "h5")),
        shard_manifests=lambda w: image_shards(w, "json"),
    output:
        **written("results/activations/{model}/{stimuli}{noise}{piece}"),
    log:
        "results/logs/capture_activations/{model}/{stimuli}{noise}{piece}.log",
    benchmark:
        "results/benchmarks/capture_activations/{model}/{stimuli}{noise}{piece}.jsonl"
    wildcard_constraints:
        model=names_of(plan.models),
        # Two passes with dropout left on; a set's own name never ends so.
        noise="(-noisy)?",
    cache: SHARING
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=4000, runtime=720),
    params:
        cfg=accepted_capture_config,
        code=code_of("capture_activations.py"),
        origin=lambda w: image_origin(w.model, w.stimuli, w.noise),
        holds=items_of,
        software=software(*NETWORK_SOFTWARE, "h5py", "numpy", "pillow"),
    message:
        "Capture {wildcards.model} on {wildcards.stimuli}{wildcards.noise}{wildcards.piece}"
    script:
        "../../scripts/capture_activations.py"


rule import_activations:
    input:
        unpack(shown_images),
    output:
        **written("results/activations/{model}/{stimuli}{noise}{piece}"),
    log:
        "results/logs/import_activations/{model}/{stimuli}{noise}{piece}.log",
    benchmark:
        "results/benchmarks/import_activations/{model}/{stimuli}{noise}{piece}.jsonl"
    wildcard_constraints:
        model=names_of(study.activations),
        # Two halves of the repeats.
        noise="(-noisy)?",
    cache: SHARING
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=4000, runtime=240),
    params:
        cfg=recorded_config,
        code=code_of("import_activations.py"),
        origin=lambda w: image_origin(w.model, w.stimuli, w.noise),
        holds=items_of,
        files=lambda w: plan.recorded[w.model].stamp,
        software=software("h5py", "numpy", "pyarrow", "scipy", "torch", "xarray", "zarr"),
    message:
        "Import the activations {wildcards.model}{wildcards.noise}{wildcards.piece}"
    script:
        "../../scripts/import_activations.py"
