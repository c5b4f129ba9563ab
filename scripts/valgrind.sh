#!/usr/bin/env bash
# The arithmetic under Valgrind: the unit tests of driver/base, driver/field and driver/cpu with reads of what was never written,
# accesses out of bounds and leaks reported, for portable C and AVX2 (Valgrind runs no AVX-512: the sanitizers have that).
# The last line is "N passed, N failed, N skipped".
#
#   scripts/valgrind.sh [REGEX]     tests whose ctest name matches; default ^unit[.](base|field|driver|cpu)[.]
#
# ZKP_TEST_CASES (default 300) is the number of random cases of the tests that take it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case "${1-}" in
-h | --help)
    sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
-*)
    echo "valgrind.sh: unknown option '$1' (try --help)" >&2
    exit 2
    ;;
esac
regex=${1:-'^unit[.](base|field|driver|cpu)[.]'}
command -v valgrind >/dev/null || {
    echo "valgrind.sh: valgrind is not installed; run scripts/install-deps.sh" >&2
    exit 1
}

cd "$root"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
build() { cmake --preset valgrind && cmake --build build/valgrind -j "$(nproc)"; }
if ! build >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    exit 1
fi

export ZKP_TEST_CASES=${ZKP_TEST_CASES:-300}
passed=0 failed=0 skipped=0
# ctest says what it would run; the programs are run here, because a test under Valgrind is the same program with another wrapper
while IFS=$'\t' read -r name program; do
    if [ "${program##*/}" = "${program}" ] || [[ $program != "$root"/build/valgrind/* ]]; then
        skipped=$((skipped + 1)) # a script, whose interpreter is not ours to check
        continue
    fi
    start=$SECONDS
    if valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible "$program" >"$log" 2>&1; then
        passed=$((passed + 1))
        printf '%-40s passed  %4d s\n' "$name" $((SECONDS - start))
    else
        failed=$((failed + 1))
        printf '%-40s FAILED  %4d s\n' "$name" $((SECONDS - start))
        tail -n 60 "$log"
    fi
done < <(ctest --test-dir build/valgrind -R "$regex" --show-only=json-v1 | python3 -c '
import json, sys
for test in json.load(sys.stdin)["tests"]:
    print(test["name"], test.get("command", [""])[0], sep="\t")')

printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
