#!/usr/bin/env bash
# check_counting.sh ROOT CARD_MODEL CC: the counts that the model of the cards starts from. Cores: products that their sources
# state. Kernels: iterations of pipelined loops counted with the loops' bodies left out are those of a run with them.
set -euo pipefail

root=$1 program=$2 cc=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" >"$work/output" || [ $? -eq 1 ]

# core NAME PRODUCTS: products in DSPs, without and with black boxes
core() {
    if ! grep -qE "^\| $1 \| $2 \|" "$work/output"; then
        echo "core $1: expected $2 products, found"
        grep -E "^\| $1 \|" "$work/output" || echo "no such core"
        exit 1
    fi
}
core GL_MUL '4 / 1'
core GL_POW7 '14 / 4'         # two of four products are squares, whose mixed products are one
core GL_PERMUTE '1652 / 472'  # 118 S-boxes
core GL_BUTTERFLY '32 / 8'    # eight lanes
core FP_PRODUCT '36 / 9'      # Karatsuba's nine
core FP_SQUARE '27 / 27'      # nine squares of three products

# kernel NAME: at a size that a processor runs
kernel() {
    local flags=(-std=gnu11 -O2 -w -I"$root" "-DMODEL_KERNEL_$1" -DHLS_CHANNELS_LOG2=3 "$root/hls/model/count_trips.c")
    "$cc" "${flags[@]}" -o "$work/control"
    "$cc" "${flags[@]}" -DTRIPS_BODIES -o "$work/bodies"
    "$work/control" --plain >"$work/counted"
    timeout 60 "$work/bodies" --plain >"$work/ran"
    grep -q 'X(13' "$work/counted" || { echo "$1: nothing was counted"; exit 1; }
    if ! diff "$work/counted" "$work/ran"; then
        echo "$1: counted without bodies, and with them"
        exit 1
    fi
}
kernel gl_lde
kernel gl_merkle
kernel fr_ntt
echo "six cores and three kernels are counted right"
