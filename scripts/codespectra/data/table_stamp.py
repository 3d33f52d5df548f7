"""A digest that changes with a table of images and with the images that it lists."""

from pathlib import Path

from codespectra.data.image_table import read_image_table, table_file
from codespectra.errors import UserError
from codespectra.files.folder_stamp import files_stamp
from codespectra.files.json_files import content_digest
from codespectra.files.manifests import file_digest


def table_stamp(root: str | Path, table: str | Path) -> str:
    """Digest of a table's content, and of the sizes and dates of the images that it lists.

    A table that can't be read has an empty stamp: its reader says what is wrong.
    """
    try:
        listed = read_image_table(root, table)
        content = file_digest(table_file(root, table))
        return content_digest([content, files_stamp(root, listed.paths)])
    except (UserError, OSError):
        return ""
