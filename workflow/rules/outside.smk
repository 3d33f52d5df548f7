"""What rules read from outside results/, as far as their params tell it."""

import platform

from snakemake.io import IOFile

from codespectra.study.outside import is_as_fetched, stamps_of


def files_of(section, reader=None, wildcards=None):
    """`params.files`: stamps of what a section of the config has its rule read.

    A model that wasn't in the hub's cache had none when its job was planned, which then fetched it:
    that is no change, as `reader` and `wildcards` tell from what was recorded of its manifest.
    """
    stamps = stamps_of(section, REMEMBERED if SHARING else None)
    if reader is not None and hasattr(section, "repository"):
        unknown = dict.fromkeys(stamps, "")
        if SHARING and stamps == unknown:
            sys.exit(
                f"config: {section.repository} isn't in the hub's cache, and with --cache nobody "
                f"knows what will be fetched: run `hf download {section.repository} "
                f"--revision {section.revision}` first"
            )
        manifest = Path(reader.output.manifest.format(**wildcards))
        record = workflow.persistence.metadata(IOFile(str(manifest)))
        fetched = record is not None and repr(unknown) in record.params
        if fetched and is_as_fetched(section, manifest):
            return unknown
    return stamps


def texts_of(section):
    """The same of a source of text, and which Python's or which package's it is."""
    if section.source == "standard_library":
        return {"python": platform.python_version()}
    if section.source == "docstrings":
        return {"python": platform.python_version(), **software(*section.packages)}
    return files_of(section)
