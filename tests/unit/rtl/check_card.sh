#!/usr/bin/env bash
# check_card.sh ROOT EMULATED PROGRAM: gl_mul_vector as RTL on the emulated card in hw_emu. EMULATED is the emulated card's
# folder, PROGRAM a program of XRT's native API (xrt_gl_mul_vector.c). Results are right, the card's log has each run with
# exactly the cycles of the formula in gl_mul_vector.v, and RTL with a fault gives wrong results.
set -euo pipefail

root=$1 emulated=$2 program=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# constant FILE PATTERN: the number behind it
constant() { sed -nE "s/.*$2[^0-9]*([0-9]+).*/\1/p" "$1" | head -n 1; }
latency=$(constant "$root/hls/rtl/gl_mul_vector.v" 'parameter LATENCY *=')
overhead=$(constant "$root/hls/rtl/gl_mul_vector.v" 'parameter OVERHEAD *=')
memory=$(constant "$root/hls/rtl/sim/rtl_model.h" 'define CARD_RTL_MEMORY_LATENCY')

# on_card IMAGE ROWS...: sets code
on_card() {
    code=0
    : >"$work/log"
    ZKP_EMULATION_MODE=hw_emu ZKP_CARDMODEL_LOG=$work/log timeout -k 5 60 setsid -w "$emulated/zkp-card" --exec "$program" \
        "$emulated/$1.xclbin" "${@:2}" >"$work/out" 2>&1 || code=$?
    cat "$work/out"
}

rows=(1 2 9 1000 65536 0)
on_card rtl_gl_mul_vector "${rows[@]}"
[ "$code" -eq 0 ] || { echo "exit code $code"; cat "$work/log"; exit 1; }
expected=
for n in "${rows[@]}"; do
    expected+=$((n == 0 ? overhead : overhead + memory + latency + n))$'\n'
done
found=$(sed -nE 's/.*end kernel=gl_mul_vector .*cycles=([0-9]+).*/\1/p' "$work/log")
if [ "$found" != "${expected%$'\n'}" ]; then
    printf 'cycles in the log of the card:\n%s\nexpected, %s + %s + %s + rows:\n%s' "$found" "$overhead" "$memory" "$latency" "$expected"
    exit 1
fi

on_card rtl_gl_mul_vector_faulty 1000
[ "$code" -eq 1 ] || { echo "a faulty multiplier: exit code $code, expected 1, wrong results"; exit 1; }
grep -q 'end kernel=gl_mul_vector' "$work/log"
echo "${#rows[@]} runs on the emulated card with exact cycles, a faulty multiplier noticed"
