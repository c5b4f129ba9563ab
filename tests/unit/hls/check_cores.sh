#!/usr/bin/env bash
# check_cores.sh ROOT: hls/core, hls/include and hls/kernels by themselves, in an empty folder, through gcc and clang as C99 without
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
    for header in "$folder"/hls/{core,include,rtl}/*.h; do
        [ -e "$header" ] || continue
        printf '#include "%s"\nextern int hls_nothing;\n' "${header#"$folder"/}" >"$folder/alone.c"
        "$compiler" "${flags[@]}" "${keep[@]}" -O1 -I "$folder" -c "$folder/alone.c" -o "$folder/alone.o" || return 1
    done
}

# kernels_by_compiler FOLDER COMPILER: every kernel, for 1, 4, 8 and 16 channels, and with what the tools are told spelled out
kernels_by_compiler() {
    local folder=$1 compiler=$2 kernel channels tool
    for kernel in "$folder"/hls/kernels/*.c; do
        for channels in 0 2 3; do
            "$compiler" "${flags[@]}" -I "$folder" -DHLS_CHANNELS_LOG2=$channels -fsyntax-only "$kernel" || return 1
        done
        "$compiler" "${flags[@]}" -I "$folder" -O1 -c "$kernel" -o "$folder/alone.o" || return 1
        for tool in __SYNTHESIS__ __BAMBU__; do
            "$compiler" "${flags[@]}" -Wno-unknown-pragmas -Wno-unused-label -I "$folder" -D$tool -fsyntax-only "$kernel" ||
                return 1
        done
    done
}

# as_opencl FOLDER: every header of hls/core and hls/include alone
as_opencl() {
    local folder=$1 header
    for header in "$folder"/hls/{core,include,rtl}/*.h; do
        [ -e "$header" ] || continue
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
    # a loop counts: its own variable by constant steps, compared with something, and nobody else changes it
    for match in re.finditer(r"\bfor\s*\(", code):
        def until(start, opening, closing):
            depth = 0
            for at in range(start, len(code)):
                depth += (code[at] == opening) - (code[at] == closing)
                if depth == 0:
                    return at
            return len(code)
        where = f"{path}:{code.count(chr(10), 0, match.start()) + 1}"
        close = until(match.end() - 1, "(", ")")
        head = re.sub(r"\s+", " ", code[match.end():close])
        parts = re.fullmatch(r"\s*(?:unsigned|int|u?int\d+_t) (\w+) = [^;]+; ([^;]+); ([^;]+)", head)
        name = parts[1] if parts else ""
        if not parts or not re.match(rf"{name}( [+-] \w+)? (<|>|<=|>=|!=) ", parts[2]) or "&&" in parts[2] or "||" in parts[2]:
            bad.append(f"{where}: a loop without a bound that can be seen: for ({head})")
            continue
        if not re.fullmatch(rf"{name}(\+\+|--| [+-]= [\w() *<+-]+| (\*|/|<<|>>)= \w+)(, .*)?", parts[3]):
            bad.append(f"{where}: a loop that does not count: for ({head})")
        body_start = re.compile(r"\s*").match(code, close + 1).end()
        body = code[body_start:until(body_start, "{", "}")] if code[body_start:body_start + 1] == "{" else ""
        if re.search(rf"(?<![\w.>\[])(?<!\+\+|--){name}\s*([-+*/%|&^]|<<|>>)?=(?!=)|\b{name}(\+\+|--)|(\+\+|--){name}\b", body):
            bad.append(f"{where}: a loop whose body changes {name}")
    # recursion: which functions call which, this file's and what they reach
    calls = {}
    for match in re.finditer(r"^(?:static |inline |void |[a-z]\w* )+\**(\w+)\([^{;]*\)\n\{\n(.*?)^\}", code, flags=re.S | re.M):
        calls[match[1]] = set(re.findall(r"\b(\w+)\s*\(", match[2]))
    for name in calls:
        seen, left = set(), set(calls[name])
        for _ in range(len(calls) + 1):
            seen |= left
            left = set().union(*(calls.get(other, set()) for other in left)) - seen if left else set()
        if name in seen:
            bad.append(f"{path}: {name} calls itself")
print("\n".join(bad))
sys.exit(bool(bad))
PY
}

cp -r "$root/hls" "$work/hls"
by_line "$work"
by_compiler "$work" "$gcc"
by_compiler "$work" "$clang"
as_opencl "$work"
kernels_by_compiler "$work" "$gcc"
kernels_by_compiler "$work" "$clang"
kernels=$(find "$work/hls/kernels" -name '*.c' | wc -l)
[ "$kernels" -ge 6 ] || { echo "only $kernels kernels were found"; exit 1; }
headers=$(find "$work/hls" -name '*.h' | wc -l)
[ "$headers" -ge 8 ] || { echo "only $headers headers were found"; exit 1; }
if grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"hls/' --include='*.[ch]' "$root/driver" "$root/host" |
    grep -vE '"hls/include/(kernel_abi|bn_poseidon_layout)\.h"$' |
    grep -vE '^[^:]*driver/opencl/kernels/[a-z_]+\.h:.*"hls/core/' |
    grep -vE '^[^:]*driver/cardmodel/kernel_calls\.c:.*"hls/include/kernel_ports\.h"$'; then
    echo "of hls, driver includes the layout headers only (the card model's calls of kernels: their ports; OpenCL's kernels: the cores), and host nothing"
    exit 1
fi

# refused STEP... < lines: a header with these lines is refused by the step
planted=0
refused() {
    rm -rf "$work/planted"
    mkdir -p "$work/planted/hls/core" "$work/planted/hls/kernels"
    cat >"$work/planted/hls/core/planted.h"
    cp "$work/planted/hls/core/planted.h" "$work/planted/hls/kernels/planted.c"
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
refused by_line <<<$'static int g(int a);\nstatic int f(int a)\n{\n    return g(a);\n}\nstatic int g(int a)\n{\n    return f(a);\n}'
refused by_line <<<$'static void f(int a)\n{\n    free(a);\n}'
loop=$'/* II=1 */\nHLS_LOOP(x)\n'
for head in ';;' 'int i = 0; ; i++' 'int i = 0; a[i] != 0; i++' 'int i = 0; i < n; i = next[i]' 'int i = 0; i < n && a[i]; i++'; do
    refused by_line <<<"${loop}for ($head) {"$'\n}'
done
refused by_line <<<"${loop}for (int i = 0; i < n; i++) {"$'\n    i -= a[i];\n}'
for compiler in "$gcc" "$clang"; do
    refused kernels_by_compiler "$compiler" <<<$'int f(int a)\n{\n    int b;\n    return a;\n}'
    refused kernels_by_compiler "$compiler" <<<$'#ifdef __BAMBU__\nint f(int a)\n{\n    return b;\n}\n#endif'
done
refused by_compiler "$gcc" <<<'typedef unsigned __int128 wide;' # clang is silent
refused by_line <<<'#include <stdint.h>'
refused as_opencl <<<'static const int table[2] = {1, 2};'
refused as_opencl <<<$'static __constant int table[2] = {1, 2};\nstatic inline int f(const int *t) { return t[0]; }
static inline int g(void) { return f(table); }'
for compiler in "$gcc" "$clang"; do
    refused by_compiler "$compiler" <<<$'static inline int f(int a)\n{\n    int b;\n    return ({ b = a; b; });\n}'
    refused by_compiler "$compiler" <<<$'#include <stdint.h>\nstatic inline int f(int a)\n{\n    label: return (unsigned)a < -1;\n}'
done
echo "$headers headers with gcc and clang, also as OpenCL C; $kernels kernels; $planted planted violations refused"
