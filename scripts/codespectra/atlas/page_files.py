"""What an atlas' folder is bound of: the files of the page, as they are, and what rules wrote."""

import hashlib
import os
import shutil
from pathlib import Path

PAGE = Path(__file__).with_name("page")
INDEX = "index.html"


def page_digest() -> str:
    """First 16 hexadecimal digits of the digest of all files of the page."""
    digest = hashlib.sha256()
    for file in sorted(PAGE.iterdir()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def copy_page(folder: Path) -> None:
    """Copy what `index.html` names into a folder."""
    for file in sorted(PAGE.iterdir()):
        if file.name != INDEX:
            shutil.copyfile(file, folder / file.name)


def link(source: Path, target: Path) -> None:
    """Have a file, or a folder with all that isn't hidden in it, in another place too.

    As hard links, which take no room; where the file system has none, as copies.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        hidden = shutil.ignore_patterns(".*")
        shutil.copytree(source, target, copy_function=_link_file, ignore=hidden)
    else:
        _link_file(source, target)


def _link_file(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
