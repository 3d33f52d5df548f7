"""What captures take on the disk; test_mini.py holds their bytes to real files."""

import pytest
from checked_plans import checked_plan
from project import MINI, changed, read_config

from codespectra.study.captured_sizes import captured_bytes, disk_words


@pytest.mark.parametrize(
    ("sizes", "replaced", "words"),
    [
        ([1_000, 500], 0, "1.5 kB of activations at most; 7 B are free"),
        ([1_000, None], 0, "1.0 kB of activations at most, and those of 1 capture of unknown size"),
        ([900], 800, "900 B of activations at most, 800 B in place of older ones; 7 B are free"),
    ],
)
def test_what_is_known_is_told_and_what_is_not(sizes, replaced, words):
    assert disk_words(sizes, replaced, free=7).startswith(f"disk: {words}")


CAPTURE = {
    **{"model": "classifier", "stimuli": "test", "noisy": False, "dtype": "float32"},
    "wanted": [{"layer": "layer1", "reduction": "spatial_mean"}],
}


def test_a_set_of_files_must_be_counted_first(tmp_path):
    folder = {"source": "folder", "root": str(tmp_path), "side": 32}
    (tmp_path / "a").mkdir()
    keys = ("study", "stimuli", "models", "spectra")
    config = changed(
        {key: read_config(MINI)[key] for key in keys},
        {"stimuli.test": folder, "spectra.layers": ["layer1"], "spectra.reduction": "spatial_mean"},
    )
    plan = checked_plan(config)
    width = plan.selected["spectra", "classifier", "test"][0]["shape"][0]
    assert captured_bytes(plan, CAPTURE) is None
    assert captured_bytes(plan, CAPTURE, 10) == 10 * width * 4
    assert captured_bytes(plan, CAPTURE | {"dtype": "float16", "noisy": True}, 10) == 10 * width * 4
    assert captured_bytes(plan, CAPTURE | {"shards": 4}, 10) == 10 * width
