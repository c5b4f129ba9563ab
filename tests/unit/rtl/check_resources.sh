#!/usr/bin/env bash
# check_resources.sh ROOT: what yosys estimates for gl_mul and gl_mul64 is what their black boxes' descriptions say; 12 DSPs.
set -euo pipefail

root=$1

# check MODULE
check() {
    local code=0 text name estimate description
    text=$("$root/scripts/rtl-resources.sh" "$1") || code=$?
    [ "$code" -eq 0 ] || exit "$code"
    echo "$1: ${text//$'\n'/, }"
    value() { awk -v name="$1" '$1 == name { print $2 }' <<<"$text"; }
    said() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["rtl_resource_usage"][sys.argv[2]])' \
        "$root/hls/rtl/$1_blackbox.json" "$2"; }
    [ "$(value DSP48E2)" -eq 12 ]
    [ "$(said "$1" DSP)" -eq 12 ]
    # another yosys may count a little differently
    for name in LUT FF; do
        estimate=$(value $name) description=$(said "$1" $name)
        if [ $((10 * estimate)) -gt $((11 * description)) ] || [ $((10 * estimate)) -lt $((9 * description)) ]; then
            echo "$name: the estimate is $estimate, $1_blackbox.json says $description"
            exit 1
        fi
    done
}
check gl_mul
check gl_mul64
