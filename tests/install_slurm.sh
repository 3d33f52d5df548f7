#!/usr/bin/env bash
# What tests/slow/test_slurm.py needs: Slurm and munge, from Debian's packages. Where they can't be had
# it says so and goes on, and the test is skipped.
set -euo pipefail
packages=(slurmctld slurmd slurm-client munge)
skipped="tests/slow/test_slurm.py is skipped"
missing=0
for program in slurmctld slurmd squeue munged; do
	command -v "$program" >/dev/null || missing=1
done
if [ "$missing" = 0 ]; then
	exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "${packages[*]}: not installed (that takes root and apt-get); $skipped"
	exit 0
fi
install() {
	apt-get update -qq &&
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
}
if ! said=$(install 2>&1); then
	echo "${packages[*]}: apt-get failed; $skipped"
	echo "$said"
fi
