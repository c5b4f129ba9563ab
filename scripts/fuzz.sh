#!/usr/bin/env bash
# Runs the fuzz targets of tests/fuzz and fails on a finding.
#
#   scripts/fuzz.sh [SECONDS] [TARGET...]    each target that long (default 60), from the kept corpus
#   scripts/fuzz.sh --smoke [TARGET...]      the seeds and 2,000 runs each: part of the test suite
#
# The corpus grows in build/fuzz/corpus; a finding is written to build/fuzz/findings, and the target called with its path
# repeats it. Exit code 77, with the reason, where clang's libFuzzer is not installed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
targets=(l2_data program batch_json node elf request config reflection iden3 groth16_json r1cs stark_proof stark_vk cardmodel card_message manifest xclbin)
mode=timed
seconds=60
case "${1-}" in
-h | --help)
    sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
--smoke)
    mode=smoke
    shift
    ;;
*[!0-9]*) ;;
?*)
    seconds=$1
    shift
    ;;
esac
[ $# -eq 0 ] || targets=("$@")

cd "$root"
# the preset names the compiler "clang"; Debian's clang-14 has no such name. With its whole path, as CMake keeps it: another
# spelling would be another compiler, and CMake then forgets what the preset says.
compiler=$(command -v clang || command -v clang-14 || echo clang)
probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
echo 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { (void)p; return n == 1; }' >"$probe/probe.c"
if ! "$compiler" -fsanitize=fuzzer,address "$probe/probe.c" -o "$probe/probe" 2>"$probe/log"; then
    echo "skipped: clang's libFuzzer runtime is not installed (scripts/install-deps.sh installs it)"
    exit 77
fi

if ! cmake --preset fuzz -DCMAKE_C_COMPILER="$compiler" >"$probe/log" 2>&1 ||
    ! cmake --build build/fuzz -j "$(nproc)" --target fuzz_targets >>"$probe/log" 2>&1; then
    cat "$probe/log"
    exit 1
fi
scripts/make-test-data.py --seeds build/fuzz/seeds
scripts/make-groth16-seeds.py build/fuzz/seeds
scripts/make-elf-seeds.py build/fuzz/seeds
build/fuzz/bin/stark_seeds build/fuzz/seeds

run() {
    local target=$1
    shift
    # the kept corpus first: that is where new inputs are written
    "build/fuzz/bin/fuzz_$target" "build/fuzz/corpus/$target" "build/fuzz/seeds/$target" \
        -artifact_prefix="build/fuzz/findings/$target-" -timeout=20 -rss_limit_mb=3000 -max_len=20000 \
        -print_final_stats=1 "$@" >"$probe/$target.log" 2>&1
}

code=0
for target in "${targets[@]}"; do
    if [ ! -x "build/fuzz/bin/fuzz_$target" ]; then
        echo "fuzz.sh: there is no target '$target'; there are: ${targets[*]}" >&2
        exit 2
    fi
    mkdir -p "build/fuzz/corpus/$target" build/fuzz/findings
    if [ "$mode" = smoke ]; then
        seeds=$(find "build/fuzz/seeds/$target" "build/fuzz/corpus/$target" -type f | wc -l)
        options=(-runs=$((2000 + seeds)) -seed=1)
    else
        options=(-max_total_time="$seconds")
    fi
    if run "$target" "${options[@]}"; then
        echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$probe/$target.log") runs," \
            "$(sed -n 's/.*\(cov: [0-9]*\).*/\1/p' "$probe/$target.log" | tail -n 1), no finding"
    else
        tail -n 60 "$probe/$target.log"
        echo "$target: FINDING (above; the input is in build/fuzz/findings)"
        code=1
    fi
done
exit $code
