"""The images of people's trials, as the published file map of Zimmermann et al. 2023 names them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codespectra.errors import UserError, nearest
from codespectra.files.json_files import read_users_json

if TYPE_CHECKING:
    import pandas as pd

# Images of a trial by their names in the file map; of either kind 0-8 are references, 9 the query.
IMAGES = tuple(f"{kind}_{place}.png" for kind in ("max", "min") for place in range(10))


def find_images(
    trials: "pd.DataFrame", file_map: str | Path, model: str, folder: str | Path
) -> list[list[Path]]:
    """Files of each trial's images, in the order of `IMAGES`.

    Args:
        trials: layer, channel, batch; a row a trial.
        file_map: imagenet_exemplars_file_map.json, as published.
        model: its key of the network that people judged.
        folder: where its paths start from: ImageNet's training set.

    Raises:
        UserError: a key or an image is missing.
    """
    content = read_users_json(file_map, remedy="fetch it again")
    files = []
    for trial in trials.itertuples(index=False):
        names, where = content, str(file_map)
        for key in (model, f"{trial.layer}/channel_{trial.channel}", f"batch_{trial.batch}"):
            names, where = _entry(names, key, where), f"{where}: {key}"
        files.append([_below(folder, _entry(names, image, where), where) for image in IMAGES])
    _check_images(files)
    return files


def mapped_images(file_map: str | Path, model: str, folder: str | Path) -> list[Path]:
    """Files of all images that the file map names for a network, each once, sorted.

    Raises:
        UserError: the file map can't be read.
    """
    content = read_users_json(file_map, remedy="fetch it again")
    return sorted({_below(folder, name, str(file_map)) for name in _names(content.get(model))})


def _names(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from _names(value)


def _entry(content: dict[str, Any], key: str, where: str) -> Any:
    if not isinstance(content, dict):
        raise UserError(f"{where}: is {content!r:.80}, expected an object; fetch it again")
    if not content.get(key):
        known = [name for name, value in content.items() if value]
        raise UserError(f"{where}: {key!r} is missing or empty; {nearest(key, known)}")
    return content[key]


def _below(folder: str | Path, name: Any, where: str) -> Path:
    if not isinstance(name, str) or Path(name).is_absolute() or ".." in Path(name).parts:
        raise UserError(f"{where}: {name!r:.80} is no path inside {folder}; fetch it again")
    return Path(folder) / name


def _check_images(files: list[list[Path]]) -> None:
    distinct = sorted({path for trial in files for path in trial})
    missing = [path for path in distinct if not _is_file(path)]
    if missing:
        raise UserError(
            f"{missing[0]}: no such image; {len(missing)} of {len(distinct)} are missing; give "
            "the folder of ImageNet's training set as people.images"
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False
