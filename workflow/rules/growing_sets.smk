"""Before a run: which sets of images have grown, so that captures show the new ones alone."""

from collections import Counter
from contextlib import suppress

from codespectra.data.image_layout import find_images
from codespectra.data.image_table import read_image_table
from codespectra.files.manifests import read_manifest
from codespectra.study.sections.stimuli import ImageFolder


def growing_sets(jobs):
    """How many images a set of a folder has, and had; what can't be read its own job tells."""
    lines = []
    for job in jobs:
        if job.rule.name != "make_stimuli" or not os.path.exists(job.output.manifest):
            continue
        section = study.stimuli[job.wildcards.stimuli]
        with suppress(UserError):
            had = read_manifest(job.output.manifest)["count"]
            if isinstance(section, ImageFolder) and (has := images_in(section)) > had:
                lines.append(
                    f"stimuli.{job.wildcards.stimuli}: {has} images, {had} before; where these are "
                    "still the first, captures and embeddings show the others alone, and spectra "
                    "add them to the moments of those before; the rest is computed anew"
                )
    return lines


def images_in(section):
    """Images of a folder, or of its table."""
    if section.table is None:
        files, _ = find_images(section.root, Counter())
    else:
        files = read_image_table(section.root, section.table).paths
    return len(files[: section.limit])


TOLD.append(growing_sets)
