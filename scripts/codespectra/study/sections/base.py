"""What every section of the config shares: names, bounds, and the refusal of unknown keys."""

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from codespectra.errors import nearest

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Names = Annotated[tuple[Name, ...], Field(min_length=1)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Channels = tuple[float, float, float]
RUNTIME = {"runtime": True}
# Keys of earlier versions, and what they are called now.
RENAMED = {"features": "interpretability", "bootstrap": "resamples"}
Value = TypeVar("Value")


def short(value: object) -> str:
    """A value as it stands in the name of what it makes: 0.10 is 0.1."""
    return f"{value:g}" if isinstance(value, float | int) else str(value)


def _distinct(values: tuple[Value, ...]) -> tuple[Value, ...]:
    names = [short(value) for value in values]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"{twice[0]} stands there twice; name each value once")
    return values


distinct = AfterValidator(_distinct)


def _at_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path}: no such user's home") from error


# A file or folder of the user's; `~` is the home folder.
UserPath = Annotated[Path, AfterValidator(_at_home)]


def _describe_keys(schema: dict[str, Any], section: type[BaseModel]) -> None:
    """Each key's description in one line.

    Without words of its own, one that opens a section means what that is, and one with a single
    value what its own section is.
    """
    for name, key in schema.get("properties", {}).items():
        field = section.model_fields[name]
        kinds = [section] if "const" in key else [field.annotation, *get_args(field.annotation)]
        opened = [k.__doc__ for k in kinds if inspect.isclass(k) and issubclass(k, BaseModel)]
        key["description"] = " ".join((field.description or "".join(opened)).split())


def _hint(key: str, known: Iterable[str]) -> str:
    now = RENAMED.get(key)
    return f"it is called {now} now" if now in known else nearest(key, known)


class Strict(BaseModel):
    """Base of every section: an unknown key is an error that names the nearest known one.

    The string below a key describes it, in the JSON schema and in config.yaml's comments.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
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
        known = cls.model_fields
        return {k: v if k in known else _hint(str(k), known) for k, v in data.items()}
