"""What the running job makes its files from, for them to tell; its start fills it."""

from typing import Any

# rule; params, as Snakemake records them; input and output: names of files. Empty without a job.
MADE_BY: dict[str, Any] = {}
