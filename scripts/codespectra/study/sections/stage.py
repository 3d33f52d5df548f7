"""What a stage of the workflow depends on, as Snakemake compares it."""

from typing import Any

from pydantic import BaseModel

from codespectra.study.sections.base import RUNTIME


def stage_config(*sections: BaseModel, **fields: Any) -> dict[str, Any]:
    """One plain, sorted dict of the scientific fields of config sections, for `params.cfg`.

    Runtime fields are left out, paths become strings, so that Snakemake compares it by content.
    """
    merged: dict[str, Any] = {}
    for section in sections:
        merged |= _scientific(section)
    return _sorted(merged | fields)


def _scientific(section: BaseModel) -> dict[str, Any]:
    fields = type(section).model_fields
    names = {name for name in fields if fields[name].json_schema_extra != RUNTIME}
    return section.model_dump(mode="json", include=names)


def _sorted(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _sorted(content[key]) for key in sorted(content)}
    return [_sorted(item) for item in content] if isinstance(content, list | tuple) else content
