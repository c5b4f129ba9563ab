#!/usr/bin/env bash
# check_faults.sh ROOT PROGRAM...: each program is a test of hls/core or hls/kernels with one deliberate fault compiled in, and has to fail by
# its own checks: not by a crash, and not because it could not be started. There has to be one for every fault there.
set -euo pipefail

root=$1
shift
export ZKP_TEST_CASES=${ZKP_TEST_CASES:-2000}
bad=0
for program; do
    code=0
    output=$("$program" 2>&1) || code=$?
    # cmocka's exit code is the number of tests that failed
    if [ "$code" -eq 0 ]; then
        echo "${program##*/}: the fault was not noticed"
        bad=1
    elif [ "$code" -gt 99 ] || ! grep -q '^\[  FAILED  \]' <<<"$output"; then
        echo "${program##*/}: exit code $code and no failed check:"
        tail -n 5 <<<"$output"
        bad=1
    fi
done
written=$(cat "$root"/hls/core/*.h "$root"/hls/kernels/*.c | grep -oE 'HLS_FAULTY\(' | wc -l)
different=$(cat "$root"/hls/core/*.h "$root"/hls/kernels/*.c | grep -oE 'HLS_FAULTY\([0-9]+' | sort -u | wc -l)
if [ "$written" -ne $# ] || [ "$different" -ne $# ]; then
    echo "hls has $written faults with $different numbers, $# programs were given"
    bad=1
fi
[ "$bad" -ne 0 ] || echo "$# faults, each noticed"
exit $bad
