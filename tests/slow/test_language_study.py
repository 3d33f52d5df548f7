"""The language study of the mini run: what its files hold, and a chat model as its explainer."""

import json
import re
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from chat_server import contexts_of, says, serving
from project import Project

from codespectra.data.tokens import Tokens, read_tokens

MODELS = ("gpt", "gpt_untrained")
NOWHERE = "http://127.0.0.1:9/v1"
KEY = "-".join(("sk", "key", "of", "a", "whole", "study"))  # this file is copied too


def tokens_of(project: Project, model: str) -> tuple[dict[str, Any], Tokens]:
    """Manifest and tokens of a captured model; the store holds what the manifest says."""
    folder = project.folder / "results/activations" / model
    manifest = json.loads((folder / "text.json").read_text())
    with h5py.File(folder / "text.h5") as file:
        for item in manifest["datasets"]:
            assert file[item["key"]].shape == (manifest["count"], item["width"])
            assert np.isfinite(file[item["key"]][:]).all()
        return manifest, read_tokens(file)


def test_rows_are_the_tokens_of_whole_sequences(mini):
    for model in MODELS:
        manifest, tokens = tokens_of(mini, model)
        lengths = np.bincount(tokens.sequence)
        assert (len(lengths), len(tokens.token)) == (manifest["sequences"], manifest["count"])
        assert (manifest["sequences"], lengths.max()) == (24, 20)
        assert lengths.min() >= 10
        positions = [np.arange(length) for length in lengths]
        np.testing.assert_array_equal(tokens.position, np.concatenate(positions))
        assert {(item["part"], item["depth"]) for item in manifest["datasets"]} == {
            (part, depth) for part in ("mlp", "residual") for depth in (1, 2, 3, 4)
        }


def test_the_untrained_model_sees_the_same_text(mini):
    first, second = (tokens_of(mini, model)[1] for model in MODELS)
    assert first.vocabulary == second.vocabulary
    np.testing.assert_array_equal(first.token, second.token)


def test_the_text_is_that_of_held_out_documents(mini):
    manifest, tokens = tokens_of(mini, "gpt")
    with h5py.File(mini.folder / "results/stimuli/text.h5") as file:
        group = file["test"]
        names = json.loads(group["names"][:].tobytes())
        ends = [0, *group["ends"][:].tolist()]
        text = group["bytes"][:].tobytes()
        train = set(json.loads(file["train/names"][:].tobytes()))
    assert train and not train & set(names)
    for sequence, name in enumerate(manifest["documents"]):
        place = names.index(name)
        document = text[ends[place] : ends[place + 1]].decode()
        shown = "".join(tokens.strings(sequence))
        if shown.isascii():
            assert shown in document


def oracle(body: dict[str, Any], request: Any) -> Any:
    """A chat model that names the strongest token, expects it alone, and says 1 to all contexts."""
    if contexts := contexts_of(body):
        return says(json.dumps([1] * len(contexts)))
    question = body["messages"][-1]["content"]
    strongest = re.search(r"^(.*)\t10$", question, re.M)
    if strongest:
        return says(strongest[1])
    phrase, *tokens = question.removeprefix("The unit responds to: ").split("\n")
    return says("\n".join(f"{token}\t{10 * (token == phrase)}" for token in tokens[1:]))


@pytest.fixture
def chatty(mini, tmp_path, monkeypatch) -> tuple[Project, str]:
    """A copy of the finished study, and one with a chat model as another explainer."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_MODEL", "planted")
    monkeypatch.setenv("OPENAI_BASE_URL", NOWHERE)
    project = mini.copy(tmp_path / "project")
    explainer = {"token_limit": 10**6}
    return project, project.write_study({"language.explanations.explainers.openai": explainer})


def test_a_chat_explainer_is_added_without_capturing_again(chatty, monkeypatch):
    project, study = chatty
    jobs = project.would_run("language", study=study)
    assert jobs == {
        "explain_by_chat": 2,
        "draw_explanations": 1,
        "draw_detection": 1,
        "judge_claims": 1,
        "draw_claims": 1,
    }
    with serving(oracle) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        done = project.snakemake("language", "--cores", "2", study=study)
        assert done.returncode == 0, done.stdout
        assert server.asked
    tables = [
        pd.read_csv(project.folder / f"results/explanations/{model}/openai.csv") for model in MODELS
    ]
    for table in tables:
        assert (table["explainer"] == "openai planted / planted").all()
        assert len(table) == 4 * 3 * 3
        assert (table["score"].notna() != table["note"].notna()).all()
        judged = table[table["explanation"].notna()]
        assert (judged["detection"] == 0.5).all() and (judged["detection_contexts"] == 4).all()
    # The server is gone; answers are in the cache.
    monkeypatch.setenv("OPENAI_BASE_URL", NOWHERE)
    target = "results/explanations/gpt/openai.csv"
    force = ("--forcerun", "explain_by_chat")
    again = project.snakemake(target, *force, "--cores", "1", study=study)
    assert again.returncode == 0, again.stdout
    pd.testing.assert_frame_equal(pd.read_csv(project.folder / target), tables[0])
    # Another model is another explainer.
    monkeypatch.setenv("OPENAI_MODEL", "other")
    assert project.would_run("language", study=study) == jobs
    assert KEY not in done.stdout + again.stdout
    with_key = [
        file
        for file in project.folder.rglob("*")
        if file.is_file() and not file.is_symlink() and KEY.encode() in file.read_bytes()
    ]
    assert with_key == []


def test_an_endpoint_that_is_away_is_one_line_and_loses_nothing(chatty):
    project, study = chatty
    said = project.failure("language", "--cores", "2", study=study)
    assert "the endpoint can't be reached; check OPENAI_BASE_URL" in said
    assert (project.folder / "results/explanations/gpt/lookup.csv").exists()
