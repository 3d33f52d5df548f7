"""Which jobs share a capture: input functions."""

from snakemake.io import IOFile


def image_shards(wildcards, form):
    """Files of the shards of a capture of images; none when one job does it."""
    params = accepted_capture_config(wildcards), code_of("capture_activations.py")
    store = "results/activations/{model}/{stimuli}{noise}{piece}"
    return shard_files(store, rules.capture_activations, wildcards, params, form)


def text_shards(wildcards, form):
    """The same of a capture of text."""
    params = text_capture_config(wildcards), code_of("capture_text.py")
    store = "results/activations/{model}/text{piece}"
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
