"""Write what editors show of config.yaml's keys: their JSON schema, and the comments in it.

Run by hand after an edit of the config models; both say a key's description there.
"""

import json
from pathlib import Path

from codespectra.study.commented import with_comments
from codespectra.study.sections.study import Study

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.json"
CONFIG = ROOT / "config.yaml"

if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(Study.model_json_schema(), indent=2) + "\n", "utf-8")
    CONFIG.write_text(with_comments(CONFIG.read_text("utf-8")), "utf-8")
