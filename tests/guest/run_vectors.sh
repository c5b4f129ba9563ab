#!/usr/bin/env bash
# run_vectors.sh RUN-BATCH-COMMAND...: the rom-checked batches of ZKPROVER_VECTORS (default ../shared/vectors) through run_batch.sh.
# Exit code 77, with the reason, where they are absent.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
vectors=${ZKPROVER_VECTORS:-$root/../shared/vectors}/rom-checked
batches=()
for file in "$vectors"/fork*/*.json; do
    if [ -f "$file" ]; then
        batches+=("$file")
    fi
done
if [ ${#batches[@]} -eq 0 ]; then
    echo "skipped: no vectors in $vectors (ZKPROVER_VECTORS)"
    exit 77
fi
exec "$@" "${batches[@]}"
