#!/usr/bin/env bash
# check_cores.sh ROOT: hls/core and hls/include by themselves, in an empty folder, through gcc and clang as C99 without
# extensions and without warnings, and through clang as OpenCL C 1.2; and the part of the language subset of
# hls/README.md that lines show. Then planted violations, each of which has to be refused. Exit code 77 if a compiler is missing.
set -euo pipefail

root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-std=c99 -pedantic -Wall -Wextra -Werror)
gcc=$(command -v gcc || true)
clang=$(command -v clang-14 || command -v clang || true)
if [ -z "$gcc" ] || [ -z "$clang" ]; then
    echo "skipped: gcc and clang are both needed (scripts/install-deps.sh)"
    exit 77
fi

# by_compiler FOLDER COMPILER: every header of FOLDER/hls alone; functions that nobody calls are compiled as well
by_compiler() {
    local folder=$1 compiler=$2 header keep=()
    [ "$compiler" != "$gcc" ] || keep=(-fkeep-inline-functions)
    for header in "$folder"/hls/*/*.h; do
        printf '#include "%s"\nextern int hls_nothing;\n' "${header#"$folder"/}" >"$folder/alone.c"
        "$compiler" "${flags[@]}" "${keep[@]}" -O1 -I "$folder" -c "$folder/alone.c" -o "$folder/alone.o" || return 1
    done
}

# as_opencl FOLDER: every header of hls/core and hls/include alone
as_opencl() {
    local folder=$1 header
    for header in "$folder"/hls/*/*.h; do
        printf '#include "%s"\n' "${header#"$folder"/}" >"$folder/alone.cl"
        "$clang" -x cl -cl-std=CL1.2 -nostdlibinc -fsyntax-only -pedantic -Wall -Wextra -Werror -Wno-unused-function \
            -I "$folder" "$folder/alone.cl" || return 1
    done
}

# by_line FOLDER: what is not in the subset, and loops without a label or without a word on II
by_line() {
    python3 - "$1" <<'PY'
import pathlib, re, sys

bad = []
for path in sorted(pathlib.Path(sys.argv[1], "hls").rglob("*.[ch]")):
    if {"sim", "model"} & set(path.parts):
        continue  # programs around RTL and kernels, which no HLS tool reads
    text = path.read_text()
    # comments become blank, lines stay
    code = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)
    lines, bare = text.split("\n"), code.split("\n")
    for number, line in enumerate(bare):
        def complain(what):
            bad.append(f"{path}:{number + 1}: {what}: {line.strip()}")
        include = re.match(r'\s*#\s*include\s*[<"]([^>"]+)', line)
        if include and include[1] != "stdint.h" and not re.match(r"hls/(core|include|rtl)/", include[1]):
            complain("hls includes stdint.h and hls alone")
        if include and include[1] == "stdint.h" and path.suffix == ".h" and path.name != "hls_language.h":
            complain("headers take their types from hls_language.h, for OpenCL C")
        if re.search(r"\b(__int128|malloc|calloc|realloc|free|goto|while|do|alloca|__attribute__|__builtin_\w+|asm)\b", line):
            complain("not in the subset")
        if re.search(r"\(\s*\*\s*\w+\s*\)\s*\(|\*\s*(const\s*)?\*", line):
            complain("a pointer to a function or to a pointer")
        if re.match(r"\s*for\s*\(", line):
            before = lines[max(0, number - 4):number]
            if not before or not re.match(r"\s*HLS_LOOP\(\w+\)$", before[-1]):
                complain("a loop without HLS_LOOP in front")
            if not any("II" in b for b in before):
                complain("a loop whose comment says nothing of II")
        elif re.search(r"\bfor\s*\(", line):
            complain("a loop that does not start its line")
    # recursion: functions of a file call what stands above them
    for match in re.finditer(r"^static inline [^;{]*?\b(\w+)\([^{;]*\)\n\{\n(.*?)^\}", code, flags=re.S | re.M):
        if re.search(rf"\b{match[1]}\s*\(", match[2]):
            bad.append(f"{path}: {match[1]} calls itself")
print("\n".join(bad))
sys.exit(bool(bad))
PY
}

cp -r "$root/hls" "$work/hls"
by_line "$work"
by_compiler "$work" "$gcc"
by_compiler "$work" "$clang"
as_opencl "$work"
headers=$(find "$work/hls" -name '*.h' | wc -l)
[ "$headers" -ge 8 ] || { echo "only $headers headers were found"; exit 1; }
if grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"hls/' --include='*.[ch]' "$root/driver" "$root/host" |
    grep -vE '"hls/include/(kernel_abi|bn_poseidon_layout)\.h"$'; then
    echo "of hls, driver includes the layout headers only, and host nothing"
    exit 1
fi

# refused STEP... < lines: a header with these lines is refused by the step
planted=0
refused() {
    rm -rf "$work/planted"
    mkdir -p "$work/planted/hls/core"
    cat >"$work/planted/hls/core/planted.h"
    if "$1" "$work/planted" "${@:2}" >"$work/log" 2>&1; then
        echo "not refused by $*:"
        cat "$work/planted/hls/core/planted.h"
        exit 1
    fi
    planted=$((planted + 1))
}
refused by_line <<<'typedef unsigned __int128 wide;'
refused by_line <<<'#include "driver/field/goldilocks.h"'
refused by_line <<<'static inline void f(int (*g)(int));'
refused by_line <<<'static inline void f(int **p);'
refused by_line <<<$'/* II=1 */\nfor (int i = 0; i < 2; i++) {'
refused by_line <<<$'/* no word */\nHLS_LOOP(x)\nfor (int i = 0; i < 2; i++) {'
refused by_line <<<$'static inline int f(int a)\n{\n    return a ? f(a - 1) : 0;\n}'
refused by_compiler "$gcc" <<<'typedef unsigned __int128 wide;' # clang is silent
refused by_line <<<'#include <stdint.h>'
refused as_opencl <<<'static const int table[2] = {1, 2};'
refused as_opencl <<<$'static __constant int table[2] = {1, 2};\nstatic inline int f(const int *t) { return t[0]; }
static inline int g(void) { return f(table); }'
for compiler in "$gcc" "$clang"; do
    refused by_compiler "$compiler" <<<$'static inline int f(int a)\n{\n    int b;\n    return ({ b = a; b; });\n}'
    refused by_compiler "$compiler" <<<$'#include <stdint.h>\nstatic inline int f(int a)\n{\n    label: return (unsigned)a < -1;\n}'
done
echo "$headers headers with gcc and clang, also as OpenCL C; $planted planted violations refused"
