"""Weights of networks of images from the hub: a local one, its cache, and the job that imports."""

import socket
from pathlib import Path

import pytest
import torch
from fake_hub import COMMIT, empty_cache, hub_with, use_hub
from safetensors.torch import save
from script_job import run_script

from codespectra.errors import UserError
from codespectra.files.manifests import read_manifest
from codespectra.models import hub
from codespectra.models.architectures import build
from codespectra.models.checkpoints import load_checkpoint
from codespectra.models.hub import file_of_hub

ARCHITECTURE = {"name": "small_alexnet", "widths": [2, 3, 4, 3, 2]}
PLAIN = {"side": None, "mean": [0.5] * 3, "std": [0.25] * 3}
FILE = "weights/model.safetensors"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return empty_cache(tmp_path, monkeypatch)


@pytest.mark.parametrize("file", [FILE, "model.pth"])
def test_a_file_is_fetched_once_and_its_commit_known(cache: Path, monkeypatch, file):
    asked: list[str] = []
    with hub_with({file: b"content", "other": b"x"}, asked) as port, monkeypatch.context() as here:
        use_hub(here, port)
        path, commit = file_of_hub("org/tiny", "v1", file)
    assert (path.read_bytes(), commit) == (b"content", COMMIT)
    assert file in asked and "other" not in asked
    for revision in ("v1", COMMIT):
        assert file_of_hub("org/tiny", revision, file) == (path, COMMIT)


def test_a_file_out_of_reach_says_how_to_get_it(cache: Path, monkeypatch):
    told = r"hub file 'a.pth' of 'org/tiny', revision 'v1': .* run `hf download org/tiny a.pth "
    with pytest.raises(UserError, match=told) as caught:
        file_of_hub("org/tiny", "v1", "a.pth")
    assert "\n" not in str(caught.value)
    with hub_with({"b.pth": b""}, []) as port, monkeypatch.context() as here:
        use_hub(here, port)
        with pytest.raises(UserError, match=told):
            file_of_hub("org/tiny", "v1", "a.pth")
    monkeypatch.setattr(hub, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_hub(monkeypatch, silent.getsockname()[1])
        with pytest.raises(UserError, match=told):
            file_of_hub("org/tiny", "v1", "a.pth")


def test_a_name_that_no_repository_can_have_is_told(cache: Path):
    with pytest.raises(UserError, match=r"repository: 'no/such/name': .*; correct its name"):
        file_of_hub("no/such/name", "main", FILE)


def test_the_job_imports_them_and_says_of_which_commit(cache, tmp_path, monkeypatch):
    state = build(ARCHITECTURE, 23).state_dict()
    model = {"architecture": ARCHITECTURE, "classes": None, "preprocessing": PLAIN}
    cfg = {
        "model": model | {"weights": "hub"},
        **{"sha256": None, "key": None, "strip_prefix": None},
        **{"repository": "org/tiny", "revision": "v1", "file": FILE},
    }
    with hub_with({FILE: save(state)}, []) as port:
        use_hub(monkeypatch, port)
        written = {"checkpoint": tmp_path / "a.pt", "manifest": tmp_path / "a.json"}
        run_script("import_checkpoint", {}, written, cfg)
    found = load_checkpoint(tmp_path / "a.json")
    for name, value in found.network.state_dict().items():
        assert torch.equal(value, state[name])
    known = read_manifest(tmp_path / "a.json")
    assert (known["commit"], known["classes"]) == (COMMIT, 23)
