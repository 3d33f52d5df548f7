"""Models of the Hugging Face hub: from the local cache, else downloaded; nothing pickled."""

from pathlib import Path

import huggingface_hub
import huggingface_hub.constants
from huggingface_hub.errors import HFValidationError, HTTPError

from codespectra.errors import UserError, first_line
from codespectra.models import model_folders

# Seconds after which a hub that doesn't answer counts as out of reach.
TIMEOUT = 10
# Of a snapshot's top folder; nothing pickled, and no code.
_WANTED = (
    model_folders.CONFIG,
    model_folders.WEIGHTS,
    model_folders.INDEX,
    model_folders.SHARDS,
    *model_folders.TOKENIZER_FILES,
)


def folder_of_hub(name: str, revision: str) -> Path:
    """Folder of a model of the Hugging Face hub: from the local cache, else downloaded.

    The folder's name is the commit.

    Raises:
        UserError: it is neither cached whole nor to be fetched; says what is missing and how to
            get it.
    """
    try:
        return cached_folder(name, revision)
    except HFValidationError as error:
        raise UserError(f"hub model {name!r}: {first_line(error)}; correct its name") from error
    except UserError as error:
        missing = f"its cached copy is incomplete ({error})"
    except OSError:
        missing = f"config.json isn't in the hub's cache {huggingface_hub.constants.HF_HUB_CACHE}"
    try:
        # Asked first, since only this question takes a time limit.
        huggingface_hub.HfApi().model_info(name, revision=revision, timeout=TIMEOUT)
        huggingface_hub.snapshot_download(name, revision=revision, allow_patterns=list(_WANTED))
    except (OSError, HTTPError) as error:
        raise UserError(
            f"hub model {name!r}, revision {revision!r}: {missing}, and can't be fetched "
            f"({first_line(error)}); where there is a network, run `hf download {name} "
            f"--revision {revision}`, or give its folder as weights: path"
        ) from error
    return cached_folder(name, revision)


def file_of_hub(repository: str, revision: str, file: str) -> tuple[Path, str]:
    """A file of the Hugging Face hub, from the local cache, else downloaded, and its commit.

    Raises:
        UserError: it is neither cached nor to be fetched; says how to get it.
    """
    options = {"repo_id": repository, "filename": file, "revision": revision}
    try:
        path = cached_file(repository, revision, file)
    except HFValidationError as error:
        raise UserError(
            f"repository: {repository!r}: {first_line(error)}; correct its name"
        ) from error
    except OSError:
        try:
            huggingface_hub.HfApi().model_info(repository, revision=revision, timeout=TIMEOUT)
            path = huggingface_hub.hf_hub_download(**options)
        except (OSError, HTTPError) as error:
            raise UserError(
                f"hub file {file!r} of {repository!r}, revision {revision!r}: isn't in the hub's "
                f"cache {huggingface_hub.constants.HF_HUB_CACHE}, and can't be fetched "
                f"({first_line(error)}); where there is a network, run `hf download {repository} "
                f"{file} --revision {revision}`, or give your copy as weights: path"
            ) from error
    found = Path(path)
    return found, found.parents[len(Path(file).parts) - 1].name


def cached_file(repository: str, revision: str, file: str) -> Path:
    """A file of the hub from the local cache alone.

    Raises:
        OSError: it isn't cached.
    """
    return Path(
        huggingface_hub.hf_hub_download(repository, file, revision=revision, local_files_only=True)
    )


def cached_folder(name: str, revision: str) -> Path:
    """The same from the local cache alone.

    Raises:
        OSError, UserError: it isn't cached whole.
    """
    # Without patterns the client lets an incomplete snapshot pass: `check_folder` says what lacks.
    folder = huggingface_hub.snapshot_download(
        name, revision=revision, allow_patterns=[], local_files_only=True
    )
    model_folders.check_folder(folder)
    return Path(folder)
