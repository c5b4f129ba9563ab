#!/usr/bin/env bash
# Installs what building and testing need on Debian 12, and nothing that is already there. Afterwards neither needs
# the network. As root, or through sudo.
#
#   scripts/install-deps.sh            everything: build, tests, fuzzing, format check
#   scripts/install-deps.sh --build    only what building and running need
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { printf 'install-deps: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

build_packages=(
    gcc libc6-dev make cmake pkg-config
    libgrpc-dev libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libsecp256k1-dev liblmdb-dev libjansson-dev libmicrohttpd-dev libsqlite3-dev libssl-dev
    libxrt1 libxrt-dev uuid-dev ocl-icd-opencl-dev opencl-c-headers
)
test_packages=(
    git python3 openssl libcmocka-dev libgmp-dev gcc-riscv64-unknown-elf gcc-aarch64-linux-gnu qemu-user valgrind
    clang-14 libclang-rt-14-dev clang-format-14 shellcheck dpkg-dev
    pocl-opencl-icd g++ verilator yosys zip unzip
)

scope=all
case "${1-}" in
"") ;;
--build) scope=build ;;
-h | --help)
    sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
*)
    say "unknown option '$1'; expected --build or nothing"
    exit 2
    ;;
esac

packages=("${build_packages[@]}")
if [ "$scope" = all ]; then
    packages+=("${test_packages[@]}")
fi

# Tests with npm packages (a gRPC client and an EVM that are not ours): node 18 or newer, Debian's if there is none.
node_major() { node --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p'; }
npm_projects=()
for project in tests/integration tests/differential tests/groth16; do
    if [ "$scope" = all ] && [ -f "$root/$project/package.json" ]; then
        npm_projects+=("$project")
    fi
done
if [ ${#npm_projects[@]} -gt 0 ]; then
    major=$(node_major || true)
    if [ "${major:-0}" -lt 18 ] || ! command -v npm >/dev/null; then
        packages+=(nodejs npm)
    fi
fi

command -v dpkg-query >/dev/null ||
    die "this is not Debian: install the equivalents of these packages yourself: ${packages[*]}"
missing=()
for p in "${packages[@]}"; do
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || true)" != installed ]; then
        missing+=("$p")
    fi
done

if [ ${#missing[@]} -gt 0 ]; then
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            die "missing: ${missing[*]}; run this script as root, or install sudo"
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    apt() {
        if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >"$log" 2>&1 </dev/null; then
            tail -n 20 "$log" >&2
            die "apt-get $1 failed (its last lines are above); is the network there, and is this Debian 12?"
        fi
    }
    apt update
    apt install --no-install-recommends "${missing[@]}"
fi

for project in "${npm_projects[@]}"; do
    lock="$root/$project/package-lock.json"
    [ -f "$lock" ] || die "$project has no package-lock.json"
    # what was installed is remembered by the hash of the lock file, so that a second run needs no network
    want=$(sha256sum <"$lock")
    stamp="$root/$project/node_modules/.installed-lock"
    if [ "$(cat "$stamp" 2>/dev/null || true)" != "$want" ]; then
        say "npm ci in $project"
        (cd "$root/$project" && npm ci --no-audit --no-fund --loglevel=error >&2) ||
            die "npm ci failed in $project (see above); is the npm registry reachable?"
        printf '%s\n' "$want" >"$stamp"
    fi
done

# Prometheus, unpacked and not installed, for the tests of the metrics; without it they are skipped
if [ "$scope" = all ]; then
    "$root/scripts/check-prometheus.sh" --fetch >&2 || say "Prometheus could not be fetched; its tests will be skipped"
fi

# The libraries of the tests for ARM64, unpacked and not installed; without them those tests are skipped
if [ "$scope" = all ]; then
    "$root/scripts/arm64.sh" --fetch >&2 || say "the ARM64 packages could not be fetched; their tests will be skipped"
fi
