#!/usr/bin/env bash
# check_includes.sh ROOT: the #include lines against the order of folders that docs/architecture.md states:
#
#   `A, B → C → D`     a file of A may include files of A, C and D; not of B, nor of anything further left
#
# Also: every source folder stands in the order and in the table below it; gRPC's headers only in host/rpc; host/executor is
# freestanding; nobody includes a back end of the driver.
set -euo pipefail

root=$1 page=$1/docs/architecture.md
bad=0
complain() {
    printf '%s\n' "$*"
    bad=1
}

# folder -> step, counted from the left
declare -A step
# shellcheck disable=SC2016 # the backquotes are Markdown
order=$(sed -n 's/^`\(.* → .*\)`$/\1/p' "$page")
[ "$(grep -c . <<<"$order")" -eq 1 ] || { echo "$page: expected one line with the order of folders, found: '$order'"; exit 1; }
n=0
while read -r names; do
    n=$((n + 1))
    while read -r name; do
        step[$name]=$n
        [ -d "$root/$name" ] || complain "the order names $name, which is no folder"
        grep -qE "^\| [^|]*\`$name\`[^|]* \|" "$page" || complain "$name stands in the order and not in the table"
    done < <(tr ',' '\n' <<<"$names" | tr -d ' ')
done <<<"${order//→/$'\n'}"

files=0 lines=0
for folder in "$root"/host/* "$root"/driver "$root"/driver/*; do
    [ -d "$folder" ] || continue
    depth=()
    [ "$folder" != "$root/driver" ] || depth=(-d skip "$folder"/*.[ch]) # its folders have their own turn
    from=${folder#"$root"/}
    [ -n "${step[$from]-}" ] || { complain "$from is not in the order"; continue; }
    while IFS=: read -r file line text; do
        lines=$((lines + 1))
        at=${file#"$root"/}:$line
        [[ $text =~ [\<\"]([^\>\"]+)[\>\"] ]] || { complain "$at: cannot be understood: $text"; continue; }
        header=${BASH_REMATCH[1]}
        case "$header" in
        host/*/* | driver/*/* | tests/*/*) to=$(cut -d/ -f1-2 <<<"$header") ;;
        driver/*) to=driver ;;
        proto/* | zkprover/v1/* | grpc/health/v1/* | grpc/reflection/v1/*) to=proto ;; # generated, the latter three
        */*) to='' ;;
        *)
            to=''
            [[ $text != *\"* ]] || complain "$at: \"$header\": write the path from the root"
            ;;
        esac
        if [ -n "$to" ]; then
            if [ -z "${step[$to]-}" ]; then
                complain "$at: includes $header, whose folder is not in the order"
            elif [ "$to" != "$from" ] && [ "${step[$to]}" -le "${step[$from]}" ]; then
                complain "$at: includes $header, against the order"
            fi
        elif [[ $header == grpc/* ]] && [ "$from" != host/rpc ]; then
            complain "$at: only host/rpc includes gRPC ($header)"
        fi
        case "$from:$header" in
        host/executor:host/executor/* | host/executor:driver/field/* | host/executor:driver/base/*) ;;
        host/executor:stdbool.h | host/executor:stddef.h | host/executor:stdint.h | host/executor:string.h) ;;
        host/executor:*) complain "$at: host/executor is freestanding and cannot include $header" ;;
        esac
        case "$from:$header" in
        driver:driver/driver_internal.h) ;;
        *:driver/driver_internal.h) complain "$at: driver_internal.h is shared by the files of driver alone" ;;
        esac
        case "$header" in
        driver/base/* | driver/field/* | driver/driver.h | driver/check.h) ;;
        driver/* | third_party/* | vendor/*)
            [[ $from != host/* ]] || complain "$at: host code knows the driver's interface, not a back end ($header)"
            ;;
        esac
    done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.[ch]' "${depth[@]:-$folder}")
    files=$((files + $(find "$folder" -name '*.[ch]' | wc -l)))
done
# a check that read nothing has shown nothing
if [ "$files" -lt 100 ] || [ "$lines" -lt 300 ]; then
    complain "only $files files with $lines includes were found below $root"
fi
exit $bad
