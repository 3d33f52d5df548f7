"""Embeddings from files, as far as a plan must know them before any job."""

from codespectra.errors import UserError
from codespectra.interpretability.given_embeddings import rows_of_images
from codespectra.study.check_sizes import check_embedding
from codespectra.study.implied import embedded_sets
from codespectra.study.problems import Problems
from codespectra.study.recorded import DescribeRecorded, shown_stimuli
from codespectra.study.sections.index import EmbeddingsBackbone
from codespectra.study.sections.study import Study


def describe_embeddings(
    study: Study, describe: DescribeRecorded, problems: Problems
) -> dict[tuple[str, str], str]:
    """Digest of the file of each backbone of files and each set that it embeds.

    What is wrong with one is told with its key; of a set whose images only its files tell, the job
    matches them.
    """
    found = {}
    for name, stimuli, _ in embedded_sets(study):
        backbone = study.backbones[name]
        if not isinstance(backbone, EmbeddingsBackbone):
            continue
        key = f"backbones.{name}.sets"
        section = backbone.sets.get(stimuli)
        if section is None:
            problems.add(f"{key}: no file of {stimuli}, which is scored; add it")
            continue
        key = f"{key}.{stimuli}"
        try:
            told = describe(section.file, section.options(), section.table)
            shapes = dict(told["layers"])
            images = shown_stimuli(study, stimuli)
            rows_of_images(shapes, told["ids"], told["repeats"], section.rows, images)
        except UserError as error:
            problems.add(f"{key}: {error}")
            continue
        widths = [width for _, width in shapes.values()]
        count = next(iter(shapes.values()))[0]
        check_embedding(key, f"{stimuli} by {name}", count, widths, problems)
        found[name, stimuli] = told["stamp"]
    return found
