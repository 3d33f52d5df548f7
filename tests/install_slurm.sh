#!/usr/bin/env bash
# What tests/test_slurm.py needs: Slurm and munge, from Debian's packages. Where they can't be had
# it says so and goes on, and the test is skipped.
set -euo pipefail
packages=(slurmctld slurmd slurm-client munge)
if command -v slurmctld slurmd squeue munged >/dev/null; then
	exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "${packages[*]}: not installed (that takes root and apt-get); tests/test_slurm.py is skipped"
	exit 0
fi
if ! (apt-get update -qq &&
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
		"${packages[@]}") >/tmp/install_slurm.log 2>&1; then
	echo "${packages[*]}: apt-get failed; tests/test_slurm.py is skipped"
	cat /tmp/install_slurm.log
fi
