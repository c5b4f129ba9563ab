#!/usr/bin/env bash
# The cycle, bandwidth and resource model of the cards against what hls/model/README.md quotes of it.
#
#   scripts/card-model.sh [PROGRAM]             exit code 1 if README and program differ, or a claim does not hold
#   scripts/card-model.sh --update [PROGRAM]    writes the program's output into the README
#
# PROGRAM: build/release/bin/card_model if nothing is said.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
update=0
if [ "${1-}" = --update ]; then
    update=1
    shift
fi
program=${1:-$root/build/release/bin/card_model}
readme=$root/hls/model/README.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
holds=0
"$program" >"$work/output" || holds=$?
[ "$holds" -le 1 ] || { echo "$program: exit code $holds"; exit 1; }

# the README with the program's output between its marks
awk -v output="$work/output" '
    /^<!-- card_model ends -->$/ { inside = 0 }
    !inside { print }
    /^<!-- card_model begins -->$/ {
        inside = 1
        print ""
        while ((getline line < output) > 0)
            print line
        print ""
    }' "$readme" >"$work/readme"
[ "$(grep -c '^<!-- card_model \(begins\|ends\) -->$' "$work/readme")" -eq 2 ] || { echo "$readme has lost its marks"; exit 1; }
if [ $update -eq 1 ]; then
    cp "$work/readme" "$readme"
elif ! diff -u "$readme" "$work/readme"; then
    echo "hls/model/README.md quotes another output: scripts/card-model.sh --update"
    exit 1
fi
if [ "$holds" -ne 0 ]; then
    echo "does not hold and is claimed:"
    grep -E 'BROKEN|DIFFERS' "$work/output"
fi
exit "$holds"
