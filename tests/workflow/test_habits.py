"""What visitors and the Snakemake workflow catalog expect of a repository is there, and agrees."""

import re
import subprocess
import tomllib

import jsonschema
import pytest
import yaml
from project import ROOT

FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
TEXT = {"type": "string", "minLength": 1}
OPTIONS = {"type": "array", "minItems": 1, "uniqueItems": True, "items": TEXT}
# Of GitHub's issue forms, as of November 2026: the elements that ours have.
FORM = {
    "type": "object",
    "required": ["name", "description", "body"],
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(("name", "description", "title"), TEXT),
        "labels": OPTIONS,
        "body": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "id", "attributes"],
                "additionalProperties": False,
                "properties": {
                    "type": {"enum": ["textarea", "input", "dropdown"]},
                    "id": {"type": "string", "pattern": "^[a-z-]+$"},
                    "attributes": {
                        "type": "object",
                        "required": ["label"],
                        "additionalProperties": False,
                        "properties": {
                            **dict.fromkeys(("label", "description", "render"), TEXT),
                            "options": OPTIONS,
                        },
                    },
                    "validations": {"properties": {"required": {"type": "boolean"}}},
                },
            },
        },
    },
}


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.stem)
def test_an_issue_form_is_one(file):
    form = yaml.safe_load(file.read_text("utf-8"))
    if file.stem == "config":
        assert form == {"blank_issues_enabled": False}
        return
    jsonschema.validate(form, FORM)
    for element in form["body"]:
        assert ("options" in element["attributes"]) == (element["type"] == "dropdown")
    assert len({element["id"] for element in form["body"]}) == len(form["body"])


def test_the_version_is_one():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == version and len(citation["references"]) == 2
    released = re.findall(
        r"^## \[([\d.]+)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
    assert released[:1] in ([], [version])
    tags = subprocess.run(["git", "tag", "-l", "v*"], cwd=ROOT, capture_output=True, text=True)
    assert {tag[1:] for tag in tags.stdout.split()} <= {*released}


def test_the_catalog_finds_what_it_looks_for():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["report"] is usage["software-stack-deployment"]["report"] is True
    assert (ROOT / "workflow/Snakefile").is_file() and (ROOT / "config/README.md").is_file()
    assert (ROOT / "config/config.yaml").read_text() == (ROOT / "config.yaml").read_text()
