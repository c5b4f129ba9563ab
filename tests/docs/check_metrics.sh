#!/usr/bin/env bash
# check_metrics.sh TELEMETRY.C OPERATIONS.md: each metric with its type and labels stands in the table, and no other.
set -euo pipefail

source=$1 page=$2
# [NAME] = {"zkprover_x", "help ...", METRICS_GAUGE, {"label", ...}, ...} over several lines
declared=$(tr '\n' ' ' <"$source" | grep -oE '"zkprover_[a-z_]+", +"[^}]*\{[^}]*\}' |
    sed -E 's/^"([a-z_]+)".*METRICS_([A-Z]+), *\{([^}]*)\}/\1|\2|\3/; s/"| |NULL//g' | tr '[:upper:]' '[:lower:]' | sort)
# shellcheck disable=SC2016 # the backquotes are Markdown
documented=$(sed -nE 's/^\| `(zkprover_[a-z_]+)` \| ([a-z]+)(; ([a-z_, ]+))? \|.*/\1|\2|\4/p' "$page" | tr -d ' ' | sort)
[ "$(wc -l <<<"$declared")" -ge 20 ] || { echo "$source could not be understood"; exit 1; }
diff <(printf '%s\n' "$declared") <(printf '%s\n' "$documented") || { echo "< the program, > $page"; exit 1; }
