"""What a stage of the workflow depends on, as Snakemake compares it."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from codespectra.study.sections.base import RUNTIME


def stage_config(*sections: BaseModel, **fields: Any) -> dict[str, Any]:
    """One plain, sorted dict of the scientific fields of config sections, for `params.cfg`.

    Runtime fields are left out, nested ones too, and paths become strings, so that Snakemake
    compares it by content.
    """
    merged: dict[str, Any] = {}
    for section in sections:
        merged |= _scientific(section)
    return _plain(merged | fields)


def _scientific(section: BaseModel) -> dict[str, Any]:
    fields = type(section).model_fields
    return {name: value for name, value in section if fields[name].json_schema_extra != RUNTIME}


def _plain(content: Any) -> Any:
    if isinstance(content, BaseModel):
        content = _scientific(content)
    if isinstance(content, dict):
        return {key: _plain(content[key]) for key in sorted(content)}
    if isinstance(content, list | tuple):
        return [_plain(item) for item in content]
    return str(content) if isinstance(content, Path) else content
