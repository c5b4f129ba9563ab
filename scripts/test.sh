#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. The last line is "N passed, N failed, N skipped"; the exit
# code is 0 only if something passed and nothing failed.
#
#   scripts/test.sh [--preset NAME] [--no-install] [-- CTEST-OPTIONS...]
#
# Without CTEST-OPTIONS the label "long" is left out: it measures a server under load, which wants an idle machine.
#
# --preset     release (default), asan, tsan or coverage
# after --     options for ctest, for example -L unit, -LE fuzz, -R executor
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=release
install=yes
while [ $# -gt 0 ]; do
    case "$1" in
    --preset)
        preset=${2:?--preset needs a name}
        shift 2
        ;;
    --no-install)
        install=no
        shift
        ;;
    -h | --help)
        sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    --)
        shift
        break
        ;;
    *)
        echo "test.sh: unknown option '$1' (try --help)" >&2
        exit 2
        ;;
    esac
done

cd "$root"
jobs=$(nproc)
closing() { printf '%s passed, %s failed, %s skipped\n' "$1" "$2" "$3"; }
# a step that has to work before any test can run
need() {
    if ! "$@"; then
        echo "test.sh: failed: $*" >&2
        closing 0 1 0
        exit 1
    fi
}

if [ "$install" = yes ]; then
    need scripts/install-deps.sh
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
configure() { cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; return 1; }; }
need configure
need cmake --build "build/$preset" -j "$jobs"

if [ $# -eq 0 ]; then
    set -- -LE '^long$'
fi
code=0
ctest --test-dir "build/$preset" -j "$jobs" --output-on-failure --no-tests=error "$@" 2>&1 |
    tee "$log" || code=$?

# One line for each test: "12/30 Test #12: unit.base.err ......   Passed    0.01 sec". What did not run for another
# reason than a declared skip ("***Not Run") is a failure.
read -r passed failed skipped < <(awk '
    /^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
        if ($0 ~ / Passed +[0-9.]+ sec/) p++
        else if ($0 ~ /\*\*\*Skipped/ || $0 ~ /\*\*\*Not Run \(Disabled\)/) s++
        else f++
    }
    END { print p + 0, f + 0, s + 0 }' "$log")
if [ $((passed + failed)) -eq 0 ] || { [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; }; then
    echo "test.sh: ctest ended with code $code" >&2
    failed=$((failed + 1))
fi
closing "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
