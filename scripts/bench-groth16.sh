#!/usr/bin/env bash
# Measures `zkprover groth16 prove` beside another prover of the same command line (KEY WITNESS PROOF PUBLIC; rapidsnark's `prover`).
#
#   ZKPROVER_PEER=path/to/prover scripts/bench-groth16.sh [--threads=1,2] [--runs=3] [--log2=18,20] [--bits=90,0,100]
#   ... [--threads=...] [--runs=...] KEY.zkey WITNESS.wtns [KEY WITNESS...]
#
# Without files circuits of 2^LOG2 constraints are made, of whose wires BITS in a hundred are bits (tests/bench/groth16_circuit.c),
# with keys of `zkprover groth16 setup`, in a temporary folder, one at a time (1 GB for 2^20).
# Both provers take turns, run by run, so that what else the machine does slows both; each may use the first T CPUs of those that
# this script may use. Printed: the median of the runs' wall and CPU time, and of the largest resident set (files that a program
# maps are in it), and what zkprover takes as a part of what the peer takes. Without a peer only zkprover is measured. Needs
# /usr/bin/time and python3.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
threads=1,$(nproc) runs=3 sizes=18,20 bits=90,0,100
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help)
        sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    --threads=*) threads=${1#*=} ;;
    --runs=*) runs=${1#*=} ;;
    --log2=*) sizes=${1#*=} ;;
    --bits=*) bits=${1#*=} ;;
    -*)
        echo "bench-groth16.sh: unknown option '$1' (see bench-groth16.sh --help)" >&2
        exit 2
        ;;
    *) break ;;
    esac
    shift
done
if [ $(($# % 2)) -ne 0 ]; then
    echo "bench-groth16.sh: expected keys and witnesses in pairs (see bench-groth16.sh --help)" >&2
    exit 2
fi
peer=${ZKPROVER_PEER:-}
if [ -n "$peer" ] && [ ! -x "$peer" ]; then
    echo "bench-groth16.sh: ZKPROVER_PEER: $peer is no program" >&2
    exit 2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! (cd "$root" && cmake --preset release && cmake --build build/release -j "$(nproc)" --target zkprover groth16_circuit) >"$work/build" 2>&1; then
    tail -n 40 "$work/build" >&2
    exit 1
fi
zkprover=$root/build/release/bin/zkprover
mapfile -t cpus < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)), sep="\n")')

# run NAME CPUS COMMAND...: adds a line "wall cpu kilobytes" to NAME
run() {
    local name=$1 set=$2
    shift 2
    if ! taskset -c "$set" /usr/bin/time -o "$work/time" -f '%e %U %S %M' "$@" >"$work/out" 2>&1; then
        echo "bench-groth16.sh: this failed: $*" >&2
        cat "$work/out" >&2
        exit 1
    fi
    awk 'END { print $1, $2 + $3, $4 }' "$work/time" >>"$name"
}

# median FILE COLUMN
median() {
    sort -n -k"$2,$2" "$1" | awk -v c="$2" '{ v[NR] = $c } END { print v[int((NR + 1) / 2)] }'
}

printf 'machine  %s, %d CPUs, %s\ncommit   %s\nload     %s before the first run; medians of %d runs\n\n' \
    "$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -sr)" \
    "$(git -C "$root" describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)" "$(cut -d' ' -f1 /proc/loadavg)" "$runs"
printf '%-20s %2s  %-8s %8s %8s %8s %6s %6s %6s\n' KEY T PROGRAM 'WALL s' 'CPU s' 'PEAK MB' WALL CPU PEAK
# measure KEY WITNESS
measure() {
    local key=$1 witness=$2 name t set who wall cpu peak their_wall their_cpu their_peak
    name=$(basename "$key" .zkey)
    # the files are in the page cache for either
    cat "$key" "$witness" >/dev/null
    for t in ${threads//,/ }; do
        if [ "$t" -gt ${#cpus[@]} ]; then
            echo "bench-groth16.sh: $t threads, but there are ${#cpus[@]} CPUs" >&2
            exit 2
        fi
        set=$(IFS=, && echo "${cpus[*]:0:$t}")
        rm -f "$work/ours" "$work/theirs"
        for _ in $(seq "$runs"); do
            if [ -n "$peer" ]; then
                run "$work/theirs" "$set" "$peer" "$key" "$witness" "$work/peer-proof" "$work/peer-public"
            fi
            run "$work/ours" "$set" "$zkprover" groth16 prove --threads "$t" "$key" "$witness" "$work/proof" "$work/public"
        done
        for who in theirs ours; do
            if [ ! -f "$work/$who" ]; then
                continue
            fi
            read -r wall cpu peak < <(echo "$(median "$work/$who" 1) $(median "$work/$who" 2) $(median "$work/$who" 3)")
            if [ $who = theirs ]; then
                printf '%-20s %2d  %-8s %8.2f %8.2f %8.0f\n' "$name" "$t" peer "$wall" "$cpu" "$((peak * 1024 / 1000000))"
                their_wall=$wall their_cpu=$cpu their_peak=$peak
            elif [ -n "$peer" ]; then
                awk -v k="$name" -v t="$t" -v w="$wall" -v c="$cpu" -v p="$peak" -v tw="$their_wall" -v tc="$their_cpu" \
                    -v tp="$their_peak" 'BEGIN { printf "%-20s %2d  %-8s %8.2f %8.2f %8.0f %6.3f %6.3f %6.3f\n", k, t, "zkprover",
                                                        w, c, p * 1.024 / 1000, w / tw, c / tc, p / tp }'
            else
                printf '%-20s %2d  %-8s %8.2f %8.2f %8.0f\n' "$name" "$t" zkprover "$wall" "$cpu" "$((peak * 1024 / 1000000))"
            fi
        done
    done
}

for ((i = 1; i < $#; i += 2)); do
    measure "${@:i:1}" "${@:i+1:1}"
done
if [ $# -eq 0 ]; then
    for size in ${sizes//,/ }; do
        for percent in ${bits//,/ }; do
            files=$work/2^$size-$percent%
            if ! { "$root/build/release/tests/groth16_circuit" "$size" "$percent" "$files.r1cs" "$files.wtns" &&
                "$zkprover" groth16 setup "$files.r1cs" "$files.zkey"; } >"$work/out" 2>&1; then
                cat "$work/out" >&2
                exit 1
            fi
            rm "$files.r1cs"
            measure "$files.zkey" "$files.wtns"
            rm "$files.zkey" "$files.wtns"
        done
    done
fi
