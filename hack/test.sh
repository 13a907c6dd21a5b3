#!/usr/bin/env bash
# Runs the tests with the race detector, all of them or those of the packages given. Each package is one line
# as soon as it is done, a failing one comes with its output, and the last line says how many passed.
set -uo pipefail
cd "$(dirname "$0")/.."

# The informers check that nobody mutates what they share (invariant I4); the variable is read at start.
export KUBE_CACHE_MUTATION_DETECTOR=true

started=$SECONDS
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# What the packages would else build inside their timeout.
case "${*:-./...}" in
*./...* | *test/...* | *monitoring*) hack/promtool.sh || exit ;;
esac

# Without the cache: it does not see what the black-box tests run, the manager's binary and dist/install.yaml.
go test -race -count=1 -timeout 15m "${@:-./...}" 2>&1 | grep --line-buffered -v '\[no test files\]$' | tee "$log"
status=${PIPESTATUS[0]}

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
