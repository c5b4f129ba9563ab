#!/usr/bin/env bash
# Builds the Debian package from the release preset and puts it into a folder; its last line is the package's path.
#
#   scripts/package.sh [OUT_FOLDER]      default: build/package
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case "${1-}" in
-h | --help)
    sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
-*)
    echo "package: unknown option '$1'" >&2
    exit 2
    ;;
esac
build=${ZKPROVER_BUILD_DIR-$root/build/release}
mkdir -p "${1-$root/build/package}"
out=$(cd "${1-$root/build/package}" && pwd)
command -v dpkg-shlibdeps >/dev/null || {
    echo "package: dpkg-shlibdeps is missing: apt-get install dpkg-dev" >&2
    exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "$build" = "$root/build/release" ] && ! (cd "$root" && cmake --preset release) >"$work/log" 2>&1; then
    tail -n 40 "$work/log" >&2
    exit 1
fi
targets=(zkproverd zkprover)
# only where the build has XRT
! cmake --build "$build" --target help | grep -q '\bzkp-card\b' || targets+=(zkp-card)
if ! { cmake --build "$build" -j "$(nproc)" --target "${targets[@]}" &&
    cpack --config "$build/CPackConfig.cmake" -B "$work/out"; } >"$work/log" 2>&1; then
    tail -n 40 "$work/log" >&2
    exit 1
fi
deb=$(find "$work/out" -maxdepth 1 -name '*.deb')
[ -f "$deb" ] || {
    echo "package: expected one package, found: '$deb'" >&2
    exit 1
}
mv "$deb" "$out/"
echo "$out/$(basename "$deb")"
