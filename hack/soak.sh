#!/usr/bin/env bash
# Runs the long rounds of the tests of faults and of tenants, with the race detector. Each of the two goes on for the time given
# as $1, one hour by default; the random workload prints its seed, and AC_SEED gives it one. $2 is a pattern of the tests to run.
set -euo pipefail
cd "$(dirname "$0")/.."

export KUBE_CACHE_MUTATION_DETECTOR=true AC_SOAK=${1:-1h}

# Without a limit to the whole: how long it takes is the caller's choice, and every wait in it has a limit.
exec go test -tags soak -race -count=1 -timeout 0 -v -run "${2:-.}" -p 1 ./test/faults ./test/sec
