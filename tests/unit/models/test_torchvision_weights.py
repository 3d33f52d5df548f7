"""torchvision's files in torch's cache: their own digest, and no code of theirs runs."""

import hashlib
import os
from pathlib import Path

import pytest
import torch

from codespectra.errors import UserError
from codespectra.models.state_dicts import read_state_dict
from codespectra.models.torchvision_weights import weights_file


class Payload:
    """Unpickling this makes a folder."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """torch's cache, and nobody at home in the network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub/checkpoints"
    folder.mkdir(parents=True)
    return folder


def url_of(content: bytes) -> str:
    return f"http://127.0.0.1:9/models/net-{hashlib.sha256(content).hexdigest()[:8]}.pth"


def saved(content: object, file: Path) -> bytes:
    torch.save(content, file)
    return file.read_bytes()


def test_a_cached_file_of_the_digest_in_its_name_is_taken(tmp_path, cache):
    content = saved({"weight": torch.arange(3.0)}, tmp_path / "w.pth")
    (cache / url_of(content).rpartition("/")[2]).write_bytes(content)
    state = read_state_dict(weights_file(url_of(content)))
    assert state["weight"].tolist() == [0, 1, 2]


def test_another_file_under_that_name_is_refused(tmp_path, cache):
    url = url_of(b"the published file")
    saved({"weight": torch.zeros(3)}, cache / url.rpartition("/")[2])
    with pytest.raises(UserError, match=r"sha256 is .* torchvision's file says .* TORCH_HOME"):
        weights_file(url)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_cached_pickle_does_not_run(tmp_path, cache, zipped):
    """Even where the digest is right."""
    mark, file = tmp_path / "ran", tmp_path / "w.pth"
    torch.save({"w": Payload(mark)}, file, _use_new_zipfile_serialization=zipped)
    url = url_of(file.read_bytes())
    (cache / url.rpartition("/")[2]).write_bytes(file.read_bytes())
    with pytest.raises(UserError, match="may run code when unpickled"):
        read_state_dict(weights_file(url))
    assert not mark.exists()


def test_without_a_network_the_file_to_fetch_is_named(cache):
    with pytest.raises(
        UserError, match=r"http://127\.0\.0\.1:9/.*can't be downloaded.*weights: path"
    ):
        weights_file(url_of(b"anything"))
    assert list(cache.iterdir()) == []
