#!/usr/bin/env bash
# The RTL of hls/rtl as a shared object, by Verilator and a C++ compiler (CXX, else g++).
#
#   verilate.sh --runtime OUTPUT.o
#       Verilator's own part, once for all.
#   verilate.sh ROOT WORK OUTPUT.so RUNTIME.o SOURCE.cpp PREFIX:TOP[:-DMACRO...] ...
#       each module TOP as a class PREFIX, and SOURCE.cpp around them. Everything else goes to the folder WORK.
set -euo pipefail

cxx=("${CXX:-g++}" -std=c++17 -O1 -fPIC -w) # what Verilator writes has its own warnings
include=$(verilator --getenv VERILATOR_ROOT)/include
if [ "$1" = --runtime ]; then
    "${cxx[@]}" -I"$include" -I"$include/vltstd" -r -o "$2" "$include/verilated.cpp" "$include/verilated_threads.cpp"
    exit
fi

root=$1 work=$2 output=$3 runtime=$4 source=$5
shift 5
mkdir -p "$work"
files=()
for model; do
    IFS=: read -ra parts <<<"$model"
    verilator --cc -O3 -Wall -Wno-UNUSED -Wno-DECLFILENAME -I"$root/hls/rtl" "${parts[@]:2}" \
        --Mdir "$work" --prefix "${parts[0]}" --top-module "${parts[1]}" "$root"/hls/rtl/*.v "$root/hls/rtl/sim/DSP48E2.v"
    files+=("$work/${parts[0]}.cpp" "$work/${parts[0]}__"*.cpp)
done
# a process may load two of them: each keeps to its own symbols
"${cxx[@]}" -shared -pthread -Wl,-Bsymbolic "-Wl,-soname,${output##*/}" -I"$work" -I"$root" -I"$include" -I"$include/vltstd" -o "$output" "$source" "${files[@]}" "$runtime"
