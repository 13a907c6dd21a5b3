#!/usr/bin/env bash
# Runs the long rounds of the fault tests, with the race detector. The random workload goes on for the time given
# as $1, one hour by default, and prints its seed; AC_SEED gives it one. $2 is a pattern of the tests to run.
set -euo pipefail
cd "$(dirname "$0")/.."

export KUBE_CACHE_MUTATION_DETECTOR=true AC_SOAK=${1:-1h}

# Without a limit to the whole: how long it takes is the caller's choice, and every wait in it has a limit.
exec go test -race -count=1 -timeout 0 -v -run "${2:-.}" ./test/faults
