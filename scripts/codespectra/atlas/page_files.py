"""The page itself: the files beside this one that a browser runs, as they are."""

import hashlib
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
