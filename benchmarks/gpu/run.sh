#!/usr/bin/env bash
# On a machine with a GPU, from the repository's root, without a network: at most 8 minutes.
#   benchmarks/gpu/run.sh [--small] [--out FOLDER]     writes FOLDER/gpu.json
# It needs Python 3.11 or later with torch (2.11 or later), torchvision, numpy, h5py, pandas, scikit-learn
# and transformers, and lpips, which is carried there if it is missing. Where there is a network:
#   uv pip install --target .carried --no-deps lpips==0.1.4
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONPATH=scripts:tests/helpers:benchmarks:.carried
exec timeout 480 "${PYTHON:-python3}" benchmarks/gpu/measure.py "$@"
