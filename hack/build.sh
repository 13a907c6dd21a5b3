#!/usr/bin/env bash
# Builds the commands given, static, into bin, or into $OUT. The flags are those that the control plane is built with, so that what
# both are made of is compiled once.
set -euo pipefail
cd "$(dirname "$0")/.."

version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo unknown)}
started=$SECONDS
out=${OUT:-bin}
names=$(basename -a "$@" | paste -sd' ' | sed 's/ / and /g')
mkdir -p "$out"
CGO_ENABLED=0 go build -v -trimpath -ldflags "-s -w -X main.version=$version" -o "$out/" "$@" 2>&1 |
	awk -v name="$names" -f hack/progress.awk
((SECONDS - started < 10)) || echo "  $names: ready after $((SECONDS - started)) s"
