#!/usr/bin/env bash
# check_operations.sh ZKPROVERD ZKPROVER OPERATIONS.md: the tables of docs/operations.md against the programs' own help: every key
# with its flag and default, no key too many, every command, every exit code.
set -euo pipefail

zkproverd=$1 zkprover=$2 page=$3
bad=0
complain() {
    printf '%s\n' "$*"
    bad=1
}

# "  listen, --listen, ZKPROVER_LISTEN" and below it "      text; default VALUE"
help=$("$zkproverd" --help)
rows=$(printf '%s\n' "$help" | awk '
    /^  [a-z_.]+, .*ZKPROVER_[A-Z_]+$/ { key = $1; sub(/,$/, "", key); flag = $2 ~ /^--/ ? $2 : ""; sub(/,$/, "", flag); next }
    key != "" && /^      / {
        value = ""
        if (match($0, /; default [^;]*$/)) value = substr($0, RSTART + 10)
        print key "|" flag "|" value
        key = ""
    }')
[ "$(printf '%s\n' "$rows" | wc -l)" -ge 10 ] || complain "zkproverd --help could not be understood"
while IFS='|' read -r key flag value; do
    line=$(grep -F "| \`$key\` |" "$page" || true)
    if [ -z "$line" ]; then
        complain "key $key is not in the table"
        continue
    fi
    if [ -n "$flag" ] && [[ $line != *"| \`$flag\` |"* ]]; then
        complain "key $key: flag $flag is not in its row"
    fi
    if [ -n "$value" ] && [[ $line != *"| \`$value\` |"* ]]; then
        complain "key $key: default $value is not in its row: $line"
    fi
done <<<"$rows"

# shellcheck disable=SC2016 # the backquotes are Markdown
while read -r key; do
    grep -q "^$key|" <<<"$rows" || complain "the table has a key '$key' that zkproverd does not know"
done < <(sed -n '/^## zkproverd$/,/^## /s/^| `\([a-z_.]*\)` |.*/\1/p' "$page")

while read -r name; do
    grep -q "^| \`${name}[ \`]" "$page" || complain "command $name is not in the table"
    while read -r option; do
        # a row of its own, or that of all commands which talk to the service
        grep -qF -e "| \`$name\` | \`$option\` |" -e "| service | \`$option\` |" "$page" || complain "option $option of $name is not in the table"
    done < <("$zkprover" "$name" --help | sed -n 's/^  \(--[a-z-]*\( [A-Z[][]A-Z:]*\)\{0,1\}\)  .*/\1/p' | grep -v '^--help$')
done < <("$zkprover" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')

for code in 0 1 2 3 4 5; do
    grep -q "^| $code |" "$page" || complain "exit code $code is not in the table"
done
exit $bad
