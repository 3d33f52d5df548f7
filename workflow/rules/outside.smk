"""What rules read from outside results/, as far as their params tell it."""

import ast
import platform

from snakemake.io import IOFile

from codespectra.study.outside import is_as_fetched, stamps_of


def files_of(section, reader=None, wildcards=None):
    """`params.files`: stamps of what a section of the config has its rule read.

    Of a model of the hub, what was recorded of the manifest of `reader` stands while its files are
    those that the job has fetched itself, of which nothing was known before, or are cached no more.
    """
    stamps = stamps_of(section, REMEMBERED if SHARING else None)
    if reader is None or not hasattr(section, "repository"):
        return stamps
    unknown = dict.fromkeys(stamps, "")
    if SHARING and stamps == unknown:
        sys.exit(
            f"config: {section.repository} isn't in the hub's cache, and with --cache nobody knows "
            f"what will be fetched: run `hf download {section.repository} "
            f"--revision {section.revision}` first"
        )
    manifest = Path(reader.output.manifest.format(**wildcards))
    before = recorded_stamps(manifest, stamps)
    if stamps == unknown or (before == unknown and is_as_fetched(section, manifest)):
        return before
    return stamps


def recorded_stamps(file, stamps):
    """Those of the job that made a file, of the same things; empty ones if there are none."""
    record = workflow.persistence.metadata(IOFile(str(file)))
    begin = f"{{{next(iter(stamps))!r}: "
    said = [text for text in (record.params if record else ()) if text.startswith(begin)]
    return ast.literal_eval(said[0]) if said else dict.fromkeys(stamps, "")


def texts_of(section):
    """The same of a source of text, and which Python's or which package's it is."""
    if section.source == "standard_library":
        return {"python": platform.python_version()}
    if section.source == "docstrings":
        return {"python": platform.python_version(), **software(*section.packages)}
    return files_of(section)
