#!/usr/bin/env bash
# Fails when the work tree differs from HEAD: after `make generate` that means generated files which nobody
# committed, or a change that is not what would be built from a clone.
set -euo pipefail
cd "$(dirname "$0")/.."

changes=$(git status --porcelain)
if [[ -z $changes ]]; then
	echo "the tree is clean: generated files are up to date"
	exit 0
fi
git --no-pager diff HEAD
printf '\nThese files differ from HEAD. Run `make generate fmt` and commit the result:\n%s\n' "$changes" >&2
exit 1
