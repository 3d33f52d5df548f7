"""What rules read from outside the results, and the stamps of it that go into their params.

The user's folders and files, those of packages, the hub's cache; not what a published digest or a
version tells, nor code, which `identity.resolved` tells.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from codespectra.data.image_table import read_image_table, table_file
from codespectra.errors import UserError
from codespectra.experiments.trial_images import mapped_images
from codespectra.files.content_stamp import content_stamp
from codespectra.files.date_stamp import date_stamp
from codespectra.files.folder_walk import files_below
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.dreamsim_files import dreamsim_files
from codespectra.models.model_folders import tokenizer_files, weight_files
from codespectra.study.implied import weights_file
from codespectra.study.sections.index import DreamsimBackbone
from codespectra.study.sections.language import (
    Explanations,
    GgufLanguageModel,
    HubLanguageModel,
    LocalLanguageModel,
    TextFolder,
)
from codespectra.study.sections.models import (
    AnyModel,
    HubModel,
    OwnCode,
    OwnModel,
    PackageModel,
    PathModel,
    Transformers,
)
from codespectra.study.sections.people import People
from codespectra.study.sections.stimuli import ImageFolder
from codespectra.study.zoo_networks import ZooNetwork

# A folder and the files in it that a rule's reader sees, in a fixed order; may raise as that does.
Finder = Callable[[], tuple[Path, Iterable[Path]]]


def stamps_of(section: BaseModel | ZooNetwork, remembered: Path | None) -> dict[str, str]:
    """Stamps of what a section has its rule read, by the words that the config has for it.

    What can't be read has an empty stamp: its reader says what is wrong, or fetches it.

    Args:
        section: of a config, or a network of the zoo.
        remembered: where digests of contents are kept; None: names, sizes and dates are enough.
    """
    return {words: _stamp(find, remembered) for words, find in _outside(section).items()}


def _stamp(find: Finder, remembered: Path | None) -> str:
    try:
        folder, files = find()
        if remembered is None:
            return date_stamp(files, folder)
        return content_stamp(files, remembered, folder)
    except (UserError, OSError, ValueError):  # the last of a name that no repository can have
        return ""


def is_as_fetched(section: BaseModel, manifest: Path) -> bool:
    """Whether the hub's cache holds the commit that a job has fetched by itself, and no later one.

    Args:
        section: of a config.
        manifest: of what was made of it.
    """
    if not isinstance(section, HubLanguageModel | HubModel) or not manifest.exists():
        return False
    try:
        made = read_manifest(manifest)
        folder, files = _of_hub(section)
        if isinstance(section, HubLanguageModel):
            return made["folder"] == str(folder)
        return made["commit"] in files[0].parts
    except (UserError, OSError, ValueError):
        return False


def _outside(section: BaseModel | ZooNetwork) -> dict[str, Finder]:
    found = _of_arguments(section.architecture) if isinstance(section, AnyModel) else {}
    match section:
        case ImageFolder(table=None, root=root):
            found[str(root)] = lambda: (root, files_below(root))
        case ImageFolder(table=table, root=root):
            found[str(root / table)] = lambda: (root, _of_table(root, table))
        case TextFolder(root=root, pattern=pattern):
            found[str(root)] = lambda: (root, files_below(root, pattern))
        case LocalLanguageModel(path=path):
            found[str(path)] = lambda: _of_language_model(path)
        case GgufLanguageModel() | PathModel() | PackageModel():
            path, package, file = (
                getattr(section, key, None) for key in ("path", "package", "file")
            )
            words = str(path or f"{package}/{file}")
            found[words] = lambda: _of_file(weights_file(section))
        case OwnModel(architecture=Transformers(path=path)):
            found[str(path)] = lambda: (path, [path / name for name in weight_files(path)])
        case DreamsimBackbone(folder=folder, variant=variant):
            found[str(folder)] = lambda: (folder, dreamsim_files(folder, variant))
        case HubLanguageModel() | HubModel():
            found[f"{section.repository}@{section.revision}"] = lambda: _of_hub(section)
        case ZooNetwork(file=str() as file):
            found[file] = lambda: _of_file(Path(file))
        case People():
            found |= _of_people(section)
        case Explanations(published=Path() as root):
            found[str(root)] = lambda: (root, _of_published(root))
    return found


def _of_file(path: Path) -> tuple[Path, list[Path]]:
    return path.parent, [path]


def _of_table(root: Path, table: Path) -> list[Path]:
    return [table_file(root, table), *read_image_table(root, table).paths]


def _of_language_model(folder: Path) -> tuple[Path, list[Path]]:
    return folder, [folder / name for name in [*weight_files(folder), *tokenizer_files(folder)]]


def _of_hub(section: HubLanguageModel | HubModel) -> tuple[Path, list[Path]]:
    """Of the cache alone; nothing is fetched."""
    # Seconds to import, which other studies needn't pay.
    from codespectra.models.hub import cached_file, cached_folder

    if isinstance(section, HubModel):
        return _of_file(cached_file(section.repository, section.revision, section.file))
    return _of_language_model(cached_folder(section.repository, section.revision))


def _of_people(people: People) -> dict[str, Finder]:
    def images() -> tuple[Path, list[Path]]:
        listed = mapped_images(people.file_map, people.model, people.images)
        return people.images, [path for path in listed if path.is_file()]

    return {
        str(people.responses): lambda: _of_file(people.responses),
        str(people.file_map): lambda: _of_file(people.file_map),
        str(people.images): images,
    }


def _of_published(folder: Path) -> list[Path]:
    # Seconds to import, which other studies needn't pay.
    from codespectra.explanations.published import published_files

    return published_files(folder)


def _of_arguments(architecture: BaseModel) -> dict[str, Finder]:
    """Files and folders that own code is given: nobody knows what else it opens."""
    if not isinstance(architecture, OwnCode):
        return {}
    named = [text for text in _texts(architecture.arguments) if _is_data(text)]
    return {text: partial(_of_any, Path(text)) for text in named}


def _of_any(path: Path) -> tuple[Path, list[Path]]:
    return (path, files_below(path)) if path.is_dir() else _of_file(path)


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict | list):
        for item in content.values() if isinstance(content, dict) else content:
            yield from _texts(item)


def _is_data(text: str) -> bool:
    """Whether something is there that isn't a folder around all that runs here."""
    try:
        return Path(text).exists() and not Path.cwd().is_relative_to(Path(text).resolve())
    except (OSError, ValueError):  # such as a text that is too long
        return False
