#!/bin/sh
# Creates .venv from requirements.lock: Python 3.11 or newer and package registries are all it needs.
set -eu
python=${PYTHON:-python3}
needed_kb=7000000

fail() {
    echo "setup: $*" >&2
    exit 1
}

command -v "$python" >/dev/null ||
    fail "no $python here; install Python 3.11 or newer, or say where: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$python is $("$python" --version 2>&1), 3.11 or newer is needed; try make PYTHON=python3.11"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python has no venv module; on Debian: apt-get install python3-venv"
free_kb=$(df -Pk . | awk 'NR == 2 { print $4 }')
[ -d .venv ] || [ "$free_kb" -ge "$needed_kb" ] ||
    fail "$((free_kb / 1000)) MB of disk are free here, the environment needs $((needed_kb / 1000)) MB"
"$python" -m venv .venv || fail "$python -m venv .venv failed; remove .venv and try again"
.venv/bin/python -m pip install --quiet --disable-pip-version-check uv ||
    fail "pip can't install uv; is a package registry reachable?"
# Compiled once here: where Python may not write bytecode, each job would compile torch anew.
.venv/bin/uv pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes requirements.lock ||
    fail "the packages of requirements.lock can't be installed; see above"
# `python -m codespectra` finds the library; jobs have it from beside their scripts.
echo "$PWD/scripts" >"$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/codespectra.pth"
touch .venv/.synced
