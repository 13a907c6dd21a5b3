#!/usr/bin/env bash
# Runs the tests with the race detector, all of them or those of the packages given. Each package is one line
# as soon as it is done, a failing one comes with its output, and the last line says how many passed.
# TAGS=promtool runs also those that need promtool.
set -uo pipefail
cd "$(dirname "$0")/.."

# The informers check that nobody mutates what they share (invariant I4); the variable is read at start.
export KUBE_CACHE_MUTATION_DETECTOR=true

started=$SECONDS
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Most tests wait for something more than they compute, so that two cores have more to do than two packages give them.
most=$(getconf _NPROCESSORS_ONLN)
((most >= 3)) || most=3

# Without the cache: it does not see what the black-box tests run, the manager's binary and dist/install.yaml.
run() { go test -count=1 -p "$most" "$@" 2>&1 | grep --line-buffered -v '\[no test files\]$' | tee -a "$log"; return "${PIPESTATUS[0]}"; }

packages=("$@")
# Those that take the longest begin first, so that the others fill what they leave.
(($# > 0)) || packages=(./test/faults ./controllers ./test/sec ./test/install ./...)
run -race -timeout 25m -tags "${TAGS:-}" "${packages[@]}"
status=$?
if (($# == 0)); then
	# What makes a release is a module of its own.
	(cd hack/release && run -timeout 15m ./...) || status=$?
fi

passed=$(grep -c $'^ok  \t' "$log")
failed=$(grep -c $'^FAIL\t' "$log")
if ((status == 0)); then
	verdict=PASSED
else
	verdict=FAILED
	grep -E $'^(--- FAIL|FAIL\t)' "$log"
fi
printf '\n%s: %d packages passed, %d failed, in %d s\n' "$verdict" "$passed" "$failed" $((SECONDS - started))
exit "$status"
