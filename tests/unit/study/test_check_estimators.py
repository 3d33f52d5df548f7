"""Estimators and windows that a run is too small for: one line before any job."""

import numpy as np
import pytest
from checked_plans import checked_plan, mistakes
from project import MINI, changed, read_config

OWN = {
    "study": "own",
    "activations": {"mine": {"file": "acts.npy", "rows": "in_order"}},
    "spectra": {"activations": ["mine"], "ranks": [10, 50], "estimators": ["extrapolation"]},
}


@pytest.mark.parametrize(
    ("shape", "estimators", "words"),
    [
        ((149, 300), ["extrapolation"], "extrapolation needs 150 stimuli and 150 units for ranks"),
        (
            (300, 149),
            ["extrapolation"],
            "10..50, and mine on mine has 300 and 149 at most; leave it",
        ),
        (
            (113, 300),
            ["alternatives"],
            "alternatives needs 114 stimuli and 29 units for ranks 10..50",
        ),
        (
            (149, 300),
            ["windows"],
            "windows needs 150 stimuli and 60 units, and mine on mine has 149",
        ),
        (
            (79, 300),
            ["meme", "stringer"],
            "meme needs 80 stimuli and 2 units, and mine on mine has",
        ),
        ((150, 150), ["extrapolation", "alternatives", "windows", "meme_broken"], None),
    ],
)
def test_named_estimators_fit_stimuli_and_units(
    tmp_path, monkeypatch, shape: tuple[int, int], estimators: list[str], words: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("acts.npy", np.zeros(shape, np.float32))
    lines = mistakes(changed(OWN, {"spectra.estimators": estimators}))
    assert len(lines) == (words is not None)
    assert all("config: spectra.estimators: " in line and words in line for line in lines)


def test_networks_and_text_are_checked_too() -> None:
    named = {"spectra.estimators": ["extrapolation"]}
    lines = mistakes(
        changed(read_config(MINI), named | {"language": None, "spectra.ranks": [2, 21]})
    )
    assert any("classifier on test has 60 and" in line for line in lines)
    (line,) = mistakes(changed(read_config(), named | {"spectra.ranks": [10, 90]}))
    assert "and gpt on text has 20480 and 256 at most" in line
    narrow = {"language.models.gpt.architecture.width": 8, "spectra.ranks": [30, 50]}
    (line,) = mistakes(changed(read_config(), narrow))
    assert "window 30..50 lies outside the spectrum of gpt on text" in line


def test_the_default_set_tells_it_in_its_notes() -> None:
    assert checked_plan(read_config(MINI)).study.spectra.ranks == (2, 12)
