#!/usr/bin/env bash
# Measures this machine: builds the release preset and prints the table of `zkprover bench` with one thread and with all, with the
# machine and the commit above it; then a server's throughput over gRPC against the same batches in process.
#
#   scripts/bench.sh [--json] [--threads=T] [--isa=I] [--device=D] [--clients=C] [--quick] [FILE...]
#
# --threads: only this number of threads. --quick: small sizes, a test of this script. A table at full size takes some minutes.
# FILE: batch files; default: the performance batches of ZKPROVER_VECTORS (default ../shared/vectors) if they are there, and those
# of tests/data. With --json each line is one object, the first of them about the machine.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
options=() devices=() clients=() threads=() json=
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help)
        sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    --clients=*) clients=("$1") ;;
    --json)
        json=1
        options+=("$1")
        ;;
    --threads=*) threads=("$1") ;;
    --isa=* | --quick) options+=("$1") ;;
    --device=*) devices=("$1") ;;
    -*)
        echo "bench.sh: unknown option '$1' (see bench.sh --help)" >&2
        exit 2
        ;;
    *) break ;;
    esac
    shift
done
files=("$@")
if [ ${#files[@]} -eq 0 ]; then
    for f in "${ZKPROVER_VECTORS:-$root/../shared/vectors}"/batch/fork5/performance/*.json \
        "$root"/tests/data/batch/fork6/{transfer,erc20,contracts,mixed}.json; do
        if [ -f "$f" ]; then
            files+=("$f")
        fi
    done
fi

work=$(mktemp -d)
server=
finish() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" || true
    fi
    rm -rf "$work"
}
trap finish EXIT
if ! (cd "$root" && cmake --preset release && cmake --build build/release -j "$(nproc)" --target zkprover zkproverd) >"$work/build" 2>&1; then
    tail -n 40 "$work/build" >&2
    exit 1
fi
zkprover=$root/build/release/bin/zkprover

cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
memory=$(awk '/^MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo)
load=$(cut -d' ' -f1 /proc/loadavg)
commit=$(git -C "$root" describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
if [ -n "$json" ]; then
    printf '{"name":"machine","cpu":"%s","cpus":%d,"memory_gb":%d,"kernel":"%s","commit":"%s","load":%s}\n' \
        "$cpu" "$(nproc)" "$memory" "$(uname -sr)" "$commit" "$load"
else
    printf 'machine  %s, %d CPUs, %d GB, %s\ncommit   %s\nload     %s before the first measurement\n\n' \
        "$cpu" "$(nproc)" "$memory" "$(uname -sr)" "$commit" "$load"
fi
if [ ${#threads[@]} -eq 0 ]; then
    threads=(--threads=1)
    if [ "$(nproc)" -gt 1 ]; then
        threads+=("--threads=$(nproc)")
    fi
fi
for t in "${threads[@]}"; do
    "$zkprover" bench "${options[@]}" "${devices[@]}" "$t" gl_ntt gl_ntt_column gl_lde gl_poseidon gl_merkle gl_commit \
        bn_ntt bn_msm_g1 bn_msm_g2 bn_poseidon stark keccak smt witness execute "${files[@]}"
    [ -n "$json" ] || echo
done

# a server has one fork
for fork in 4 5 6; do
    served=()
    for f in "${files[@]}"; do
        found=$(grep -o '"forkID": *[0-9]*' "$f" | grep -o '[0-9]*$' || echo 6)
        if [ "$found" = "$fork" ]; then
            served+=("$f")
        fi
    done
    if [ ${#served[@]} -eq 0 ]; then
        continue
    fi
    "$root/build/release/bin/zkproverd" --listen 127.0.0.1:0 --fork-id "$fork" --data-dir "$work/data" >"$work/log" 2>&1 &
    server=$!
    port=
    for _ in $(seq 100); do
        port=$(sed -n 's/.*"event":"serving".*"port":\([0-9]*\).*/\1/p' "$work/log")
        if [ -n "$port" ] || ! kill -0 "$server" 2>/dev/null; then
            break
        fi
        sleep 0.1
    done
    if [ -z "$port" ]; then
        echo "bench.sh: zkproverd does not serve:" >&2
        cat "$work/log" >&2
        exit 1
    fi
    "$zkprover" bench "${options[@]}" "${clients[@]}" execute --addr "127.0.0.1:$port" "${served[@]}"
    kill "$server"
    wait "$server"
    server=
done
