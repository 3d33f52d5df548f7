#!/usr/bin/env bash
# Debian's packages that some tests need: Slurm and munge (tests/slow/test_slurm.py), Chromium and its
# driver (the atlas). Where they can't be had it says so and goes on, and those tests are skipped.
set -euo pipefail
packages=(slurmctld slurmd slurm-client munge chromium chromium-driver)
skipped="the tests of Slurm and of the atlas in a browser are skipped"
missing=0
for program in slurmctld slurmd squeue munged chromium chromedriver; do
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
