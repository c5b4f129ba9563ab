#!/usr/bin/env bash
# check_backends.sh ROOT: each name and file that docs/adding-a-backend.md mentions exists, and each entry of drv_backend and each
# function of the example's run_ and slow_ families is mentioned.
set -euo pipefail

root=$1 page=$1/docs/adding-a-backend.md
example=$root/tests/conformance/example_backend.c
sources=("$example" "$root"/tests/conformance/*.[ch] "$root"/driver/*.[ch] "$root"/driver/base/*.h "$root"/driver/fault/*.h
    "$root"/tests/conformance/CMakeLists.txt)
bad=0
complain() {
    printf '%s\n' "$*"
    bad=1
}

# `code` in the text: a file, an option, or a C name
names=0
# shellcheck disable=SC2016 # the backquotes are Markdown
marked=$(grep -v '^    ' "$page" | grep -oE '`[^`]+`' | tr -d '`' | sort -u)
while read -r name; do
    names=$((names + 1))
    case "$name" in
    driver/NAME | fault:NAME | slow | fault) ;;
    conformance.* | docs.*) grep -rqF "${name#*.}" "$root"/tests/*/CMakeLists.txt || grep -qF "$name" "$root"/tests/*/CMakeLists.txt || complain "no test $name" ;;
    --*) grep -qF -- "\"${name%% *}\"" "$root/tests/conformance/main.c" || complain "the program conformance has no option $name" ;;
    */*) [ -e "$root/$name" ] || complain "there is no $name" ;;
    *.[ch]) [ -e "$root/driver/$name" ] || complain "there is no driver/$name" ;;
    *)
        word=${name##* } word=${word#\*} word=${word##*.}
        [[ $word =~ ^[A-Za-z_][A-Za-z_0-9]*$ ]] || { complain "cannot be understood: $name"; continue; }
        grep -qwF -- "$word" "${sources[@]}" || complain "there is no $word in the sources"
        ;;
    esac
done <<<"$marked"
# links
while read -r link; do
    names=$((names + 1))
    [ -e "$root/docs/$link" ] || complain "there is no $link"
done < <(grep -oE '\]\([^)#]+\)' "$page" | sed 's/^](//; s/)$//')
# and back
while read -r entry; do
    grep -qF "\`$entry\`" "$page" || complain "the entry $entry of drv_backend is not on the page"
done < <(sed -n '/^typedef struct drv_backend {/,/^} drv_backend;/p' "$root/driver/backend.h" | grep -oE '\(\*[a-z_]+\)\(' | tr -d '(*)')
while read -r function; do
    grep -qF "\`$function\`" "$page" || complain "$function of the example is not on the page"
done < <(grep -oE '^static [a-z0-9_]+ \**(run|slow)_[a-z_]+\(' "$example" | grep -oE '(run|slow)_[a-z_]+')
[ "$names" -ge 40 ] || complain "only $names names were found in $page"
exit $bad
