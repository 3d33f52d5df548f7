"""Which jobs share a capture: input functions, and the params that go with them."""

from snakemake.io import IOFile


def capture_config(wildcards):
    """What the activations of one run depend on, besides the network and the images."""
    captures = plan.noisy_captures if wildcards.noise else plan.captures
    return stage_config(
        study.capture,
        model=wildcards.model,
        stimuli=wildcards.stimuli,
        noisy=bool(wildcards.noise),
        wanted=captures[wildcards.model, wildcards.stimuli],
    )


def accepted_capture_config(wildcards):
    """The same, and the accuracy that must be found."""
    expected = plan.models[wildcards.model].expected_accuracy
    return stage_config(
        **capture_config(wildcards), expected_accuracy=expected.get(wildcards.stimuli)
    )


def text_capture_config(wildcards):
    """What the activations of one language model depend on, besides it and the text."""
    return stage_config(
        study.capture,
        model=wildcards.model,
        **study.language.model_dump(mode="json", include={"parts"}),
        sequences=study.language.sequences,
        length=study.language.length,
        seed=study.language.seed,
    )


def image_shards(wildcards, form):
    """Files of the shards of a capture of images; none when one job does it."""
    store = "results/activations/{model}/{stimuli}{noise}".format(**wildcards)
    params = accepted_capture_config(wildcards), code_of("capture_activations.py")
    return shard_files(store, params, form)


def text_shards(wildcards, form):
    """The same of a capture of text."""
    params = text_capture_config(wildcards), code_of("capture_text.py")
    return shard_files(f"results/activations/{wildcards.model}/text", params, form)


def shard_files(store, params, form):
    """Those that a finished store was gathered from, or as many as the config asks for.

    Snakemake compares a job's inputs with those that it had: while its params are what they were,
    a store keeps its shards, so that another number of them makes nothing run again.
    """
    files = [f"{store}.{end}" for end in ("h5", "json")]
    made = workflow.persistence.metadata(IOFile(files[1]))
    kept = made is not None and {*map(repr, params)} <= {*made.params}
    count = study.capture.shards
    if kept and all(map(os.path.exists, files)):
        shards = [file for file in made.input if file.startswith(f"{store}.shards/")]
        count = sum(file.endswith(".h5") for file in shards)
    if count < 2:
        return []
    return [f"{store}.shards/{k}-of-{count}.{form}" for k in range(1, count + 1)]
