"""What every section of the config shares: names, bounds, and the refusal of unknown keys."""

import inspect
import math
import os
from collections.abc import Iterable, Sized
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic.fields import FieldInfo

from codespectra.errors import nearest

Value = TypeVar("Value")
RUNTIME: dict[str, Any] = {"runtime": True}
MISSING = "missing; add it as in config.yaml, which says what it is"
# Keys that belong elsewhere.
ELSEWHERE = {
    "seeds": "only models with weights: train or random have seeds, beside weights; any other is "
    "one network",
    "append": "leave it out: where the images that a set had are still its first ones, captures "
    "show the new ones alone (docs/reruns.md)",
}
# Keys of earlier versions, and what they are called now.
RENAMED = {"features": "interpretability", "bootstrap": "resamples"}


def short(value: object) -> str:
    """A value as it stands in the name of what it makes: 0.10 is 0.1."""
    return f"{value:g}" if isinstance(value, float | int) else str(value)


def _distinct(values: tuple[Value, ...]) -> tuple[Value, ...]:
    names = [short(value) for value in values]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"{twice[0]} stands there twice; name each value once")
    return values


def check_path(path: str) -> str:
    """A path that is one, and that Snakemake takes for itself.

    Raises:
        ValueError: it is empty, too long, or has braces or control characters.
    """
    if not path:
        raise ValueError("is empty; give a path")
    if set(path) & {"{", "}", *map(chr, range(32))}:
        raise ValueError("has braces or control characters, which Snakemake can't take; rename it")
    if len(path) > 4000 or any(len(os.fsencode(part)) > 255 for part in path.split("/")):
        raise ValueError("has a name of over 255 bytes, or over 4000 in all; shorten it")
    return path


def _at_home(path: Any) -> Any:
    if not isinstance(path, str):
        return path
    try:
        return Path(check_path(path)).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path}: no such user's home") from error


# Words. A name becomes part of names of files, which have room for two of them.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=60)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
# A file or folder of the user's; `~` is the home folder.
UserPath = Annotated[Path, Field(strict=False), BeforeValidator(_at_home)]

# Numbers. Each has a limit that is far above any study: a slip of the pen is no plan.
Positive = Annotated[int, Field(gt=0, le=10**9)]
Steps = Annotated[int, Field(gt=0, le=10**7)]
Number = Annotated[int, Field(gt=0, le=10_000)]  # units, channels, and what else is countable
Maps = Annotated[int, Field(gt=0, le=1000)]
Depth = Annotated[int, Field(gt=0, le=500)]
Batch = Annotated[int, Field(gt=0, le=100_000)]
Side = Annotated[int, Field(gt=0, le=10_000)]
Resamples = Annotated[int, Field(ge=20, le=100_000)]
# Every library takes it, and the next one.
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, le=100)]
Factor = Annotated[float, Field(ge=0, le=10**6)]


def check_product(what: str, *lists: Sized) -> None:
    """Refuse what is more than anyone would wait for, each of the one with each of the other.

    Raises:
        ValueError: it is more than 1000.
    """
    count = math.prod(map(len, lists))
    if count > 1000:
        raise ValueError(f"{what}: these make {count}, and 1000 are the most; name fewer")


# Lists: of any length, and of one at least, each value once; two numbers; red, green, blue.
Listed = Annotated[
    tuple[Value, ...], Field(strict=False, max_length=1000), AfterValidator(_distinct)
]
Several = Annotated[Listed[Value], Field(min_length=1)]
Pair = Annotated[tuple[Value, ...], Field(strict=False, min_length=2, max_length=2)]
Channels = Annotated[tuple[Value, ...], Field(strict=False, min_length=3, max_length=3)]
Names = Several[Name]
Seeds = Several[Seed]
# Of a model that is as many networks; a job is told the one seed of its own (so it is RUNTIME).
Networks = Annotated[Seeds, Field(max_length=100)] | None


def check_seeds(seeds: tuple[int, ...] | None, key: str, section: BaseModel) -> None:
    """Refuse seeds beside the single seed of a section, which stands at `key`.

    Raises:
        ValueError: both are given.
    """
    if seeds and "seed" in section.model_fields_set:
        raise ValueError(f"seeds: beside {key}, which they replace; leave one out")


def _describe_keys(schema: dict[str, Any], section: type[BaseModel]) -> None:
    """Each key's description in one line.

    Without words of its own, one that opens a section means what that is, and one with a single
    value what its own section is.
    """
    for name, key in schema.get("properties", {}).items():
        field = _keys(section)[name]
        kinds = [section] if "const" in key else [field.annotation, *get_args(field.annotation)]
        opened = [k.__doc__ for k in kinds if inspect.isclass(k) and issubclass(k, BaseModel)]
        key["description"] = " ".join((field.description or "".join(opened)).split())


def _keys(section: type[BaseModel]) -> dict[str, FieldInfo]:
    """Fields by their keys in a config, which may be words that Python keeps for itself."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _hint(key: str, known: Iterable[str]) -> str:
    now = RENAMED.get(key)
    if now in known:
        return f"it is called {now} now"
    return ELSEWHERE.get(key) or nearest(key, known)


class Strict(BaseModel):
    """Base of every section: an unknown key is an error that names the nearest known one.

    The string below a key describes it, in the JSON schema and in config.yaml's comments.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        json_schema_extra=_describe_keys,
    )

    @model_validator(mode="before")
    @classmethod
    def _hint_at_unknown_keys(cls, data: Any) -> Any:
        # pydantic's error on an unknown key shows its value: put the hint there. Raising it here
        # would hide every other mistake of this section and of those inside it.
        if not isinstance(data, dict):
            return data
        known = _keys(cls)
        return {k: v if k in known else _hint(str(k), known) for k, v in data.items()}
