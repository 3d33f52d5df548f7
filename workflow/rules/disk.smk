"""Before a run: what its activations take on the disk, beside what is free there."""

from contextlib import suppress

from codespectra.files.manifests import read_manifest
from codespectra.study.captured_sizes import captured_bytes, disk_words


def how_much_disk(jobs):
    """What is to be captured takes so much, as far as the plan tells."""
    captures = [j for j in jobs if "piece" in j.wildcards_dict and not j.input.get("shards")]
    if not captures:
        return []
    made = {str(file) for job in jobs for file in job.output}
    sizes = [captured_bytes(plan, job.params.cfg, counted_stimuli(job, made)) for job in captures]
    replaced = sum(map(os.path.getsize, filter(os.path.exists, (j.output.data for j in captures))))
    folder = next(f for f in Path(captures[0].output.data).absolute().parents if f.exists())
    free = shutil.disk_usage(folder).free
    if sum(filter(None, sizes)) - replaced > free:
        logger.warning(f"{folder}: the activations that are to be captured may not fit the disk")
    return [disk_words(sizes, replaced, free)]


def counted_stimuli(job, made):
    """How many a set has; None if its file isn't there or will be made."""
    manifest = job.input.get("stimuli_manifest")
    with suppress(UserError):
        if manifest and manifest not in made:
            return read_manifest(manifest).get("count")


TOLD.append(how_much_disk)
