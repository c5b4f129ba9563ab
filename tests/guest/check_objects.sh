#!/usr/bin/env bash
# check_objects.sh PREFIX OBJECT LINKED: what the guest must not contain.
#   PREFIX  of the cross tools, with the directory and the last hyphen
#   OBJECT  all freestanding objects in one relocatable file
#   LINKED  the same with libgcc's members that they need
set -euo pipefail

prefix=$1 object=$2 linked=$3
bad=0
complain() {
    printf '%s\n' "$@"
    bad=1
}

# undefined symbols: after libgcc only the four memory functions may be left
left=$("${prefix}nm" --undefined-only "$linked" | awk '{ print $NF }' | grep -vxE 'memcpy|memset|memcmp|memmove' || true)
[ -z "$left" ] || complain "undefined symbols outside libgcc and the four memory functions:" "$left"

# state that outlives a call
for section in .data .bss .sdata .sbss .tdata .tbss; do
    size=$("${prefix}size" -A "$object" | awk -v s="$section" '$1 == s || index($1, s ".") == 1 { n += $2 } END { print n + 0 }')
    # .data.rel.ro holds constants with addresses in them, which a relocatable object of static code has none of
    [ "$size" -eq 0 ] || complain "$size bytes of writable globals in $section:" \
        "$("${prefix}nm" "$object" | grep -iE ' [bdsg] ' || true)"
done

# floating point: an f register, an f instruction, or libgcc's soft floating point
floats=$("${prefix}objdump" -d -M no-aliases "$object" | grep -E $'\t(f(l|s)[hwdq]|f(add|sub|mul|div|cvt|mv|sgn|eq|lt|le|madd|msub|min|max|sqrt|class)[a-z.]*)\\b' | grep -v $'\tfence' | head -n 5 || true)
soft=$("${prefix}nm" --undefined-only "$object" | awk '{ print $NF }' |
    grep -xE '__(add|sub|mul|div|neg|eq|ne|ge|lt|le|gt|unord|fix|fixuns|float|floatun|extend|trunc)[a-z]*[sdt]f[a-z0-9]*' || true)
[ -z "$floats$soft" ] || complain "floating point:" "$floats" "$soft"

# unaligned access cannot be seen in the object; -mstrict-align keeps the compiler from introducing any
if [ $bad -eq 0 ]; then
    printf 'text %s bytes; libgcc gives: %s\n' \
        "$("${prefix}size" "$object" | awk 'NR == 2 { print $1 }')" \
        "$("${prefix}nm" --undefined-only "$object" | awk '{ print $NF }' | grep -vxE 'memcpy|memset|memcmp|memmove' | tr '\n' ' ')"
fi
exit $bad
