"""Stamps of what lies outside results/: which changes they see, with --cache and without."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from people_files import the_map
from pydantic import TypeAdapter

from codespectra.files.content_stamp import content_stamp
from codespectra.study.outside import stamps_of
from codespectra.study.sections.language import Explanations, LanguageModel, TextFolder
from codespectra.study.sections.models import Model
from codespectra.study.sections.people import People
from codespectra.study.sections.stimuli import ImageFolder

LANGUAGE_MODEL = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
FOLDER, LISTED = "a folder", "files that are listed"
ALEXNET = {"name": "small_alexnet", "widths": [4, 6, 8, 6, 5]}


def model(architecture: dict[str, Any] = ALEXNET, **fields: Any) -> Any:
    return TypeAdapter(Model).validate_python({"architecture": architecture} | fields)


def language_model(**fields: Any) -> Any:
    return TypeAdapter(LanguageModel).validate_python(fields)


def hub(repository: str, files: tuple[str, ...]) -> list[str]:
    """A snapshot in the hub's cache, whose files are links; paths below the test's folder."""
    folder = f"hub/models--{repository.replace('/', '--')}"
    write(f"{folder}/refs/main", "0" * 40)
    for name in files:
        write(f"{folder}/blobs/{name}", "one")
        link = Path(folder, "snapshots", "0" * 40, name)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"../../blobs/{name}")
    return [f"{folder}/blobs/{files[-1]}"]


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def folder(*names: str) -> list[str]:
    """Files under a name that is a link to their folder, one level up."""
    for name in names:
        write(f"elsewhere/{name}", "{}" if name.endswith(".json") else "one")
    Path("given").symlink_to("elsewhere")
    return [f"elsewhere/{name}" for name in names]


def people() -> list[str]:
    names = {
        image
        for unit in the_map()["resnet50"].values()
        for trial in unit.values()
        for image in trial.values()
    }
    write("map.json", json.dumps(the_map()))
    write("answers.csv", "one")
    return ["answers.csv", *folder(*sorted(names))[:1]]


# What makes the files, and returns those to change; the section that reads them; how it finds them.
KINDS: dict[str, tuple[Callable[[], list[str]], Callable[[], Any], str]] = {
    "images": (
        lambda: folder("cat/a.png", "dog/b.png"),
        lambda: ImageFolder(source="folder", root="given", side=8),
        FOLDER,
    ),
    "table of images": (
        lambda: [*folder("cat/a.png"), *table()],
        lambda: ImageFolder(source="folder", root="given", side=8, table="t.csv"),
        LISTED,
    ),
    "text": (
        lambda: folder("a.txt", "deep/b.txt"),
        lambda: TextFolder(source="folder", root="given"),
        FOLDER,
    ),
    "language model": (
        lambda: folder(*LANGUAGE_MODEL),
        lambda: language_model(weights="path", path="given", objective="causal"),
        LISTED,
    ),
    "GGUF": (
        lambda: folder("a.gguf"),
        lambda: language_model(weights="gguf", path="given/a.gguf"),
        LISTED,
    ),
    "checkpoint": (
        lambda: folder("a.pt"),
        lambda: model(weights="path", path="given/a.pt"),
        LISTED,
    ),
    "package": (
        lambda: [folder("__init__.py", "a.pt")[1]],
        lambda: model(weights="package", package="given", file="a.pt"),
        LISTED,
    ),
    "weights of a transformers folder": (
        lambda: folder("config.json", "model.safetensors"),
        lambda: model({"name": "transformers", "path": "given"}, weights="own"),
        LISTED,
    ),
    "file that own code is given": (
        lambda: folder("a.pt"),
        lambda: model(
            {"name": "python", "target": "a.py:b", "arguments": {"of": ["given/a.pt"]}},
            weights="own",
        ),
        LISTED,
    ),
    "folder that own code is given": (
        lambda: folder("a.pt"),
        lambda: model(
            {"name": "python", "target": "a.py:b", "arguments": {"of": "given"}}, weights="random"
        ),
        FOLDER,
    ),
    "checkpoint of the hub": (
        lambda: hub("org/net", ("a.pt",)),
        lambda: model(weights="hub", repository="org/net", file="a.pt"),
        LISTED,
    ),
    "language model of the hub": (
        lambda: hub("org/words", LANGUAGE_MODEL),
        lambda: language_model(weights="hub", repository="org/words", objective="causal"),
        LISTED,
    ),
    "people": (
        people,
        lambda: People(
            responses="answers.csv",
            file_map="map.json",
            images="given",
            model="resnet50",
            condition="any",
            backbone="any",
        ),
        LISTED,
    ),
    "published explanations": (
        lambda: folder("0/1.jsonl", "1/0.jsonl"),
        lambda: Explanations(published="given"),
        FOLDER,
    ),
}


def table() -> list[str]:
    write("elsewhere/t.csv", "stimulus_id,path,note\na,cat/a.png,one")
    return ["elsewhere/t.csv"]


@pytest.fixture(params=KINDS)
def kind(request, tmp_path, monkeypatch) -> tuple[list[str], Any, str]:
    """The files to change, the section, and how it finds files; in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    make, section, finds = KINDS[request.param]
    return make(), section(), finds


def stamps(section: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Without --cache, and with it."""
    return stamps_of(section, None), stamps_of(section, Path("remembered"))


def changed(section: Any, before: tuple[dict[str, str], dict[str, str]]) -> tuple[bool, bool]:
    """Whether either stamp is another, each whole."""
    now = stamps(section)
    assert all(value for side in now for value in side.values())
    return now[0] != before[0], now[1] != before[1]


def overwrite(file: Path, content: bytes) -> None:
    """Another content under the same date."""
    date = file.stat().st_mtime_ns
    file.write_bytes(content)
    os.utime(file, ns=(date, date))


def test_each_change_is_seen_where_it_counts(kind):
    files, section, finds = kind
    before = stamps(section)
    assert changed(section, before) == (False, False)
    for file in map(Path, files):
        content = file.read_bytes()
        os.utime(file, ns=(10**9, 10**9))
        assert changed(section, before) == (True, False), "touched"
        before = stamps(section)
        overwrite(file, content[:-1] + b"\n")
        assert changed(section, before) == (False, True), "same size and date"
        overwrite(file, content + b"\n")
        assert changed(section, before) == (True, True), "another size"
        overwrite(file, content)
        assert changed(section, before) == (False, False), "as before"
    around = Path(files[0]).parent
    (around / ".hidden.txt").write_text("none")
    assert changed(section, before) == (False, False), "a hidden one"
    shutil.copy(files[0], Path(files[0]).with_stem("7"))
    assert changed(section, before) == ((finds == FOLDER),) * 2, "one more"


def test_a_link_that_leads_to_other_files_is_seen(kind):
    files, section, _ = kind
    if not Path("given").is_symlink():
        pytest.skip("no folder of the user's")
    before = stamps(section)
    shutil.copytree("elsewhere", "other", copy_function=shutil.copy2)
    file = Path("other", *Path(files[0] if files[0] != "answers.csv" else files[1]).parts[1:])
    relink("other")
    assert changed(section, before) == (False, False), "equal files"
    overwrite(file, file.read_bytes()[:-1] + b"\n")
    assert changed(section, before) == (False, True), "names, sizes and dates are equal"
    file.write_bytes(b" " * 9 + file.read_bytes())
    assert changed(section, before) == (True, True), "other files"
    relink("elsewhere")
    assert changed(section, before) == (False, False), "back"


def relink(folder: str) -> None:
    Path("given").unlink()
    Path("given").symlink_to(folder)


def test_a_missing_file_is_a_change_and_left_to_the_reader(kind):
    files, section, _ = kind
    before = stamps(section)
    Path(files[0]).unlink()
    assert all(now != then for now, then in zip(stamps(section), before, strict=True))


def test_contents_are_read_once_and_a_damaged_memory_is_none(tmp_path, monkeypatch):
    file, kept = tmp_path / "a.npy", tmp_path / "kept"
    file.write_text("one")
    monkeypatch.setattr("codespectra.files.content_stamp.SETTLED_NS", 0)
    first = content_stamp([file], kept)
    with monkeypatch.context() as unread:
        unread.setattr("codespectra.files.content_stamp.file_digest", None)
        assert content_stamp([file], kept) == first
    (note,) = kept.iterdir()
    for content in ("", "[]", '{"a.npy": 1}', "[" * 10**5):
        note.write_text(content)
        assert content_stamp([file], kept) == first
    file.rename(tmp_path / "b.npy")
    assert content_stamp([tmp_path / "b.npy"], kept) == first
    assert content_stamp([tmp_path / "b.npy"], kept, tmp_path) != first
