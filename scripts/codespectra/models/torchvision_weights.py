"""torchvision's published weights: from torch's cache, else downloaded; never unpickled."""

import logging
from pathlib import Path
from urllib.parse import urlsplit

import torch

from codespectra.errors import UserError, first_line
from codespectra.files.manifests import file_digest
from codespectra.files.regular_files import check_regular, refusing

log = logging.getLogger("codespectra")


def weights_file(url: str) -> Path:
    """The local file of published weights, whose sha256 begins as the file's name says.

    torch checks that of what it downloads alone, and unpickles what it finds in its cache.

    Raises:
        UserError: the file can't be downloaded, or another one has its name.
    """
    path = Path(torch.hub.get_dir()).expanduser() / "checkpoints" / Path(urlsplit(url).path).name
    said = torch.hub.HASH_REGEX.search(path.name)
    if not path.exists():
        _download(url, path)
    with refusing(path, "no checkpoint", "put torchvision's own file there"):
        check_regular(path)
    if said is None:
        log.warning("%s: its name has no digest to compare it with", path)
    elif not (found := file_digest(path)).startswith(said[1]):
        raise UserError(
            f"{path}: sha256 is {found}, but the name of torchvision's file says {said[1]}…; put "
            "torchvision's own file there, or set TORCH_HOME to another folder"
        )
    return path


def _download(url: str, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), progress=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{url}: can't be downloaded ({first_line(error)}); fetch that file where there is a "
            "network, and give it as weights: path"
        ) from error
