"""What every section of the config shares: names, bounds, and the refusal of unknown keys."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from codespectra.errors import nearest

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Names = Annotated[tuple[Name, ...], Field(min_length=1)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Channels = tuple[float, float, float]
RUNTIME = {"runtime": True}


class Strict(BaseModel):
    """Base of every section: an unknown key is an error that names the nearest known one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _hint_at_unknown_keys(cls, data: Any) -> Any:
        # pydantic's error on an unknown key shows its value: put the hint there. Raising it here
        # would hide every other mistake of this section and of those inside it.
        if not isinstance(data, dict):
            return data
        known = cls.model_fields
        return {k: v if k in known else nearest(str(k), known) for k, v in data.items()}
