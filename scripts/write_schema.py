"""Write the JSON schema of config.yaml, which editors complete and check it with; run by hand."""

import json
from pathlib import Path

from codespectra.study.sections.study import Study

SCHEMA = Path(__file__).parents[1] / "workflow" / "schemas" / "config.schema.json"

SCHEMA.write_text(json.dumps(Study.model_json_schema(), indent=2) + "\n", encoding="utf-8")
