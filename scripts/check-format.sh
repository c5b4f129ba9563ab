#!/usr/bin/env bash
# Fails if a tracked C file is not formatted by .clang-format (clang-format 14), or a script displeases shellcheck.
#
#   scripts/check-format.sh [--fix]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
format=clang-format-14
command -v "$format" >/dev/null || format=clang-format
case "$("$format" --version 2>/dev/null || true)" in
*"version 14."*) ;;
*)
    echo "check-format.sh: clang-format 14 is needed (other versions format differently); run scripts/install-deps.sh" >&2
    exit 1
    ;;
esac

code=0
if [ "${1-}" = --fix ]; then
    git ls-files -z '*.c' '*.h' | xargs -0 -r "$format" -i
else
    git ls-files -z '*.c' '*.h' | xargs -0 -r "$format" --dry-run -Werror || code=1
fi
if command -v shellcheck >/dev/null; then
    { git ls-files -z '*.sh'; printf '.ci/run\0'; } | xargs -0 shellcheck || code=1
else
    echo "check-format.sh: shellcheck is not installed; scripts were not checked" >&2
fi
exit $code
