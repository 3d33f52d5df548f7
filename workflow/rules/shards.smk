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


def recorded_config(wildcards):
    """What a set of activations from a file depends on, besides the file and the images."""
    section = study.activations[wildcards.model]
    captures = plan.noisy_captures if wildcards.noise else plan.captures
    return stage_config(
        model=wildcards.model,
        stimuli=wildcards.stimuli,
        noisy=bool(wildcards.noise),
        shown=section.stimuli is not None,
        options=section.options(),
        wanted=captures[wildcards.model, wildcards.stimuli],
        dtype=study.capture.dtype,
        **section.model_dump(include={"rows", "axes", "prefix", "drop_nan"}),
    )


def shown_images(wildcards):
    """The manifest of the images that were shown, if they are there."""
    if wildcards.stimuli not in study.stimuli:
        return {}
    return {"stimuli_manifest": f"results/stimuli/{wildcards.stimuli}.json"}


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
        parts=study.language.parts_of(wildcards.model),
        sequences=study.language.sequences,
        length=study.language.length,
        special_tokens=study.language.special_tokens,
        seed=study.language.seed,
    )


def image_shards(wildcards, form):
    """Files of the shards of a capture of images; none when one job does it."""
    params = accepted_capture_config(wildcards), code_of("capture_activations.py")
    store = "results/activations/{model}/{stimuli}{noise}"
    return shard_files(store, rules.capture_activations, wildcards, params, form)


def text_shards(wildcards, form):
    """The same of a capture of text."""
    params = text_capture_config(wildcards), code_of("capture_text.py")
    store = "results/activations/{model}/text"
    return shard_files(store, rules.capture_text, wildcards, params, form)


def shard_files(store, gather, wildcards, params, form):
    """Those that a finished store was gathered from, or as many as the config asks for.

    Snakemake compares a job's inputs with those that it had: while its params are what they were,
    a store keeps its shards, so that another number of them makes nothing run again. In a module
    with a prefix, Snakemake puts it before the files of the rule `gather`, and before those returned.
    """
    made = [file.format(**wildcards) for file in gather.output]
    record = workflow.persistence.metadata(IOFile(made[1]))
    kept = record is not None and {*map(repr, params)} <= {*record.params}
    count = study.capture.shards
    if kept and all(map(os.path.exists, made)):
        count = sum(".shards/" in file and file.endswith(".h5") for file in record.input or ())
    if count < 2:
        return []
    name = store.format(**wildcards)
    return [f"{name}.shards/{k}-of-{count}.{form}" for k in range(1, count + 1)]
