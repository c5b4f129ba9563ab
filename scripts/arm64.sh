#!/usr/bin/env bash
# ARM64: cross-compiles driver/, host/executor and their unit tests and runs these under qemu-aarch64. The libraries that the
# tests need come as Debian's own packages for arm64, once, and are unpacked beside the build: the machine's packages stay
# as they are. The last line is "N passed, N failed, N skipped"; exit code 77 if a tool or a package cannot be had.
#
#   scripts/arm64.sh [REGEX]     tests whose ctest name matches; default ^unit[.]
#   scripts/arm64.sh --fetch     only gets the packages; afterwards no network is needed
#
# ZKP_TEST_CASES (default 2000) is the number of random cases of the tests that take it: qemu is some ten times slower.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
fetch_only=
case "${1-}" in
--fetch)
    fetch_only=yes
    shift
    ;;
-h | --help)
    sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
-*)
    echo "arm64.sh: unknown option '$1' (try --help)" >&2
    exit 2
    ;;
esac
regex=${1:-^unit[.]}
skip() {
    echo "skipped: $*"
    echo "0 passed, 0 failed, 1 skipped"
    exit 77
}
for tool in aarch64-linux-gnu-gcc qemu-aarch64 apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || skip "$tool is not installed; run scripts/install-deps.sh"
done

cd "$root"
build=$root/build/arm64
sysroot=$build/sysroot
packages=(libcmocka0 libcmocka-dev libgmp10 libgmp-dev libjansson4 libjansson-dev libssl3 libssl-dev)
mkdir -p "$build"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# apt with lists and an architecture of its own, from the machine's sources
fetch() {
    local work=$build/apt
    rm -rf "$work" "$sysroot.new"
    mkdir -p "$work"/{state/lists/partial,cache/archives/partial,packages} "$sysroot.new"
    : >"$work/status"
    local options=(-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o "Dir::State=$work/state"
        -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache")
    [ "$(id -u)" -ne 0 ] || options+=(-o APT::Sandbox::User=root)
    apt-get "${options[@]}" update &&
        (cd "$work/packages" && apt-get "${options[@]}" download "${packages[@]}") || return 1
    local package
    for package in "$work"/packages/*.deb; do
        dpkg-deb -x "$package" "$sysroot.new" || return 1
    done
    rm -rf "$work"
    printf '%s\n' "${packages[@]}" >"$sysroot.new/packages"
    rm -rf "$sysroot"
    mv "$sysroot.new" "$sysroot"
}
if ! printf '%s\n' "${packages[@]}" | cmp -s - "$sysroot/packages" && ! fetch >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    skip "Debian's arm64 packages cannot be had: ${packages[*]}"
fi
[ -z "$fetch_only" ] || exit 0

compile() {
    cmake -S . -B "$build/tree" -DCMAKE_BUILD_TYPE=Release -DCMAKE_TOOLCHAIN_FILE="$root/cmake/Aarch64.cmake" \
        -DZKP_AARCH64_SYSROOT="$sysroot" -DZKP_CORE_ONLY=ON && cmake --build "$build/tree" -j "$(nproc)"
}
if ! compile >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi

export ZKP_TEST_CASES=${ZKP_TEST_CASES:-2000}
code=0
ctest --test-dir "$build/tree" -j "$(nproc)" --output-on-failure --no-tests=error -R "$regex" 2>&1 | tee "$log" || code=$?
read -r passed failed < <(awk '
    /^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / { if ($0 ~ / Passed +[0-9.]+ sec/) p++; else f++ }
    END { print p + 0, f + 0 }' "$log")
echo "$passed passed, $failed failed, 0 skipped"
[ "$code" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
