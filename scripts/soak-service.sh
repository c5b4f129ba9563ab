#!/usr/bin/env bash
# Fifty clients (grpc-js) against one zkproverd with a full queue, all on loopback: memory, file handles, threads and disk must
# stay flat, no answer may be wrong, SIGTERM under load must end the server in time, and a second one must know every job.
#
#   scripts/soak-service.sh [SECONDS]    default 600, at least 15; needs the release build and npm packages (scripts/test.sh)
#
# Prints the latencies of each method, the counts of each result, and a line for each check; exit code 0 if all passed.
# ZKPROVER_BIN: another folder with the programs.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
seconds=${1:-600}
case "$seconds" in
*[!0-9]* | "")
    sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
if ! command -v node >/dev/null; then
    echo "skipped: node is not installed"
    exit 0
fi
if [ ! -d "$root/tests/integration/node_modules/@grpc/grpc-js" ]; then
    echo "skipped: tests/integration has no node_modules; run npm ci there (scripts/install-deps.sh does)"
    exit 0
fi
# the helpers belong to the test runner, whose report nobody needs
exec node --test-reporter=tap --test-reporter-destination=/dev/null "$root/tests/integration/soak.mjs" "$seconds"
