#!/usr/bin/env bash
# What the tests of the atlas need: Chromium and its driver, from Debian's packages. Where they can't be
# had it says so and goes on, and the tests are skipped.
set -euo pipefail
packages=(chromium chromium-driver)
skipped="the tests of the atlas in a browser are skipped"
if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then
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
