#!/usr/bin/env bash
# check_image.sh GCC BUILT COMMITTED: the committed image of the guest is what its sources give.
set -euo pipefail

gcc=$1 built=$2 committed=$3
# another compiler gives other code: that would be another program identity, not a fault of the sources
wanted=12.2.0
found=$("$gcc" -dumpfullversion)
if [ "$found" != "$wanted" ]; then
    echo "the image is built by gcc $wanted for riscv64-unknown-elf, and this is $found ($gcc):"
    echo "whether $committed is up to date cannot be told here"
    exit 1
fi
if ! cmp "$built" "$committed"; then
    echo "host/guest/guest.elf is not what the sources give. If the guest, host/executor or its part of driver/field was"
    echo "changed on purpose, the program that is proven is another one now: cmake --build DIR --target guest_image_update"
    exit 1
fi
echo "$(stat -c %s "$committed") bytes, as committed"
