"""Blocks of a set's images that stay as they are when more come at its end."""

from typing import Any

from codespectra.data.stimulus_file import PREFIX, images_digest


def blocks(manifest: dict[str, Any], least: int) -> dict[range, str]:
    """All images of a set in blocks of `least` or a few more, as they stay when the set grows.

    Returns:
        Which images a block has, and the digest of all up to its last.
    """
    count, step = manifest["count"], PREFIX * -(-least // PREFIX)
    parts = (range(start, min(start + step, count)) for start in range(0, count, step))
    return {
        part: manifest["sha256"] if len(part) < step else images_digest(manifest, part.stop)
        for part in parts
    }
