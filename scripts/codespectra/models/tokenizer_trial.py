"""A tokenizer.json tried in a process of its own: its rules may turn a letter into gigabytes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codespectra.errors import UserError
from codespectra.files.json_files import read_users_json

REMEDY = "take another tokenizer, or fetch or save it again"
SECONDS = 60
BYTES = 4 << 30
PLAIN = [None, "ByteLevel", "ByteLevel"]
GROWTH = 1000  # characters that one may become
# One thread, since the memory that threads set aside would count.
ENVIRONMENT = {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "MALLOC_ARENA_MAX": "1"}
PROGRAM = """
import resource, sys
seconds, most, growth = map(int, sys.argv[2:])
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
resource.setrlimit(resource.RLIMIT_AS, (most, most))
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file(sys.argv[1])
probe = sys.stdin.buffer.read().decode()
steps = {
    "normalizer": lambda text: tokenizer.normalizer.normalize_str(text),
    "decoder": lambda text: tokenizer.decoder.decode([text]),
}
for name, step in steps.items():
    if getattr(tokenizer, name) is not None:
        for text in [*sorted(set(probe)), probe]:
            if (grown := len(step(text))) > growth * len(text):
                sys.exit(f"its {name} makes {grown:,} characters of {len(text):,}")
tokenizer.encode(probe)
"""


def try_tokenizer(file: str | Path) -> None:
    """Refuse a tokenizer whose rules take too much time or memory, or grow text without measure.

    It is given every character that stands in its rules, and all of them together.

    Raises:
        UserError: what it does, or that it can't be read.
    """
    content = read_users_json(file, REMEDY)
    rules = [content.get(step) for step in ("normalizer", "pre_tokenizer", "decoder")]
    # Bytes as they are, of which nothing can grow, as of the workflow's own tokenizers.
    if [rule.get("type") if isinstance(rule, dict) else rule for rule in rules] == PLAIN:
        return
    probe = "".join(_strings(rules))[:10_000] + "The quick brown fox, 0123456789\n"
    limits = map(str, (SECONDS, BYTES, GROWTH))
    try:
        tried = subprocess.run(
            [sys.executable, "-I", "-c", PROGRAM, str(file), *limits],
            input=probe.encode(errors="replace"),
            capture_output=True,
            timeout=2 * SECONDS,
            env=ENVIRONMENT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        found = f"takes more than {2 * SECONDS} s"
    else:
        found = _found(tried.returncode, tried.stderr.decode(errors="replace"))
    if found:
        raise UserError(f"{file}: the tokenizer can't be loaded ({found}); {REMEDY}")


def _strings(node: Any) -> Iterator[str]:
    """Every text in some JSON."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from _strings(inner)


def _found(status: int, said: str) -> str:
    """What the trial shows, from the program's status and its last line."""
    if status == 0:
        return ""
    last = (said.strip().splitlines() or [""])[-1]
    if status < 0 or "memory" in last.lower():
        return f"it needs more than {SECONDS} s or {BYTES >> 30} GB for a few words"
    return last
