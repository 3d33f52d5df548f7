"""Blocks of images, by which a set that has grown is embedded."""

import pytest

from codespectra.data.stimulus_blocks import blocks


@pytest.mark.parametrize(("least", "step"), [(1, 256), (128, 256), (256, 256), (300, 512)])
@pytest.mark.parametrize("count", [1, 256, 700, 1024])
def test_blocks_stay_when_a_set_grows(least: int, step: int, count: int) -> None:
    """The last one but for when it is whole."""
    prefixes = [f"first {step}" for step in range(256, 2049, 256)]
    small = {"count": count, "sha256": "small", "prefixes_sha256": prefixes[: count // 256]}
    large = {"count": 2048, "sha256": "large", "prefixes_sha256": prefixes}
    found, grown = blocks(small, least), blocks(large, least)
    assert [image for block in found for image in block] == [*range(count)]
    assert {len(block) for block in [*found][:-1]} <= {step}
    whole = {block: digest for block, digest in found.items() if block.stop % step == 0}
    assert whole.items() <= grown.items()
    assert {*found.values()} - {*whole.values()} <= {"small"}
