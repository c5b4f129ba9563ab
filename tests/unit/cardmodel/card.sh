#!/usr/bin/env bash
# The emulated card through Debian's XRT, by a program that knows nothing of it.
#
#   card.sh TEST EMULATED_FOLDER PROGRAM [OTHER_LAUNCHER]
set -uo pipefail

test=$1 emulated=$2 program=$3
timeline=$(cd "$(dirname "$0")/../../.." && pwd)/driver/cardmodel/timeline.py
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export ZKP_CARDMODEL_LOG=$folder/log
: >"$ZKP_CARDMODEL_LOG"

fail() {
    echo "card.sh $test: $*" >&2
    cat "$folder/out" "$ZKP_CARDMODEL_LOG" >&2
    exit 1
}

# run IMAGE [NAME=VALUE]: in a session of its own, since the shim kills its group when the card dies; timeout is in it, so that
# it can end what hangs
run() {
    setsid -w timeout -k 5 60 env "${2-ZKP_NOTHING=}" "$emulated/zkp-card" --exec "$program" "$emulated/$1.xclbin" >"$folder/out" 2>&1
}

# Nothing of a run is left: neither its model's process nor its folder (the remover needs a moment).
nothing_left() {
    local pid
    cut -d' ' -f2 "$ZKP_CARDMODEL_LOG" | sort -u >"$folder/pids"
    while read -r pid; do
        for _ in $(seq 50); do
            kill -0 "$pid" 2>/dev/null || continue 2
            sleep 0.1
        done
        fail "the card model, process $pid, is still there"
    done <"$folder/pids"
    for _ in $(seq 50); do
        compgen -G "/tmp/zkp-card-$1-*" >/dev/null || return 0
        sleep 0.1
    done
    fail "a folder of process $1 is still there"
}

case $test in
kernels)
    run emulated || fail "exit code $?"
    grep -q '^row_gather right, gl_merkle right$' "$folder/out" || fail "no result"
    grep -q ' load kernels=6 units=7 memory=4294967296$' "$ZKP_CARDMODEL_LOG" || fail "no load"
    [ "$(grep -c ' begin kernel=row_gather unit=0 ' "$ZKP_CARDMODEL_LOG")" -eq 1 ] || fail "row_gather did not run once"
    [ "$(grep -c ' end kernel=gl_merkle unit=0 ' "$ZKP_CARDMODEL_LOG")" -eq 2 ] || fail "gl_merkle did not run twice"
    [ "$(grep -c ' h2d ' "$ZKP_CARDMODEL_LOG")" -eq 128 ] || fail "not 128 transfers to the card"
    [ "$(grep -c ' d2h ' "$ZKP_CARDMODEL_LOG")" -eq 64 ] || fail "not 64 transfers from it"
    grep -q ' refused ' "$ZKP_CARDMODEL_LOG" && fail "something was refused"
    tail -n 1 "$ZKP_CARDMODEL_LOG" | grep -q ' close$' || fail "not closed"
    "$timeline" "$ZKP_CARDMODEL_LOG" --ran row_gather gl_merkle h2d d2h || fail "timeline.py"
    "$timeline" "$ZKP_CARDMODEL_LOG" --ran gl_lde 2>/dev/null && fail "timeline.py saw what did not run"
    "$timeline" "$ZKP_CARDMODEL_LOG" --together h2d+d2h 2>/dev/null && fail "timeline.py: one socket cannot do two transfers"
    ;;
hw_emu)
    run emulated_hw ZKP_EMULATION_MODE=hw_emu || fail "exit code $?"
    grep -q '^row_gather right, gl_merkle right$' "$folder/out" || fail "no result"
    "$timeline" "$ZKP_CARDMODEL_LOG" --ran row_gather gl_merkle h2d d2h || fail "timeline.py"
    grep -q ' refused ' "$ZKP_CARDMODEL_LOG" && fail "something was refused"
    tail -n 1 "$ZKP_CARDMODEL_LOG" | grep -q ' close$' || fail "not closed"
    ;;
faulty)
    for kernel in row_gather gl_merkle; do
        run "faulty_$kernel"
        [ $? -eq 1 ] || fail "faulty_$kernel was not noticed"
        grep -q "$kernel WRONG" "$folder/out" || fail "faulty_$kernel: another result"
    done
    run emulated ZKP_CARDMODEL_FAULT=flip@0x9000 # of the rows that row_gather writes
    [ $? -eq 1 ] || fail "a flipped bit in the card's memory was not noticed"
    ;;
dies)
    # a card that dies takes the program along; nothing is left of either
    for fault in crash@20 crash-run@2 exit@1 exit@20 exit-run@1; do
        run emulated "ZKP_CARDMODEL_FAULT=$fault"
        code=$?
        case $code in
        0 | 1 | 3) fail "$fault: exit code $code" ;;
        124) fail "$fault: it hung" ;;
        esac
        grep -q ' lost asked to ' "$ZKP_CARDMODEL_LOG" || fail "$fault did not happen"
    done
    # a program that is killed takes the card along
    ZKP_CARDMODEL_FAULT=hang=row_gather@1 setsid "$emulated/zkp-card" --exec "$program" "$emulated/emulated.xclbin" >"$folder/out" 2>&1 &
    pid=$! # the program's own: setsid does not fork where there is no job control
    trap 'kill -9 "$pid" 2>/dev/null; rm -rf "$folder"' EXIT
    for _ in $(seq 100); do
        grep -q ' fault kernel row_gather hangs' "$ZKP_CARDMODEL_LOG" && break
        sleep 0.1
    done
    grep -q ' fault kernel row_gather hangs' "$ZKP_CARDMODEL_LOG" || fail "no run"
    compgen -G "/tmp/zkp-card-$pid-*" >/dev/null || fail "process $pid has no folder"
    kill -9 "$pid"
    nothing_left "$pid"
    ;;
shim)
    # other libraries than those that the work-around was made for
    "$4" --probe >"$folder/out" 2>&1
    code=$?
    [ $code -eq 4 ] || fail "exit code $code"
    grep -q 'libxrt_swemu.so.2 has SHA-256 .*, expected 7d6303a4.*: the work-around' "$folder/out" || fail "another text"
    ;;
*)
    echo "card.sh: no test '$test'" >&2
    exit 2
    ;;
esac
exit 0
