#!/usr/bin/env bash
# Builds what drives Chromium in the tests of the wallboard into bin/browser. `hack/browser.sh ready` says whether Chromium is there.
set -euo pipefail
cd "$(dirname "$0")/tools/browser"

if [[ ${1:-} == ready ]]; then
	for name in chromium chromium-browser google-chrome; do
		command -v "$name" >/dev/null && exit 0
	done
	echo "there is no Chromium: apt-get install chromium"
	exit 1
fi
CGO_ENABLED=0 go build -trimpath -o ../../../bin/browser .
