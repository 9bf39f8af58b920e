#!/bin/sh
# Writes the page's API types anew from the functions' OpenAPI documents: scripts/api-types.sh [FOLDER]
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
target=${1:-ui/src/api/generated}
documents=$(mktemp -d)
trap 'rm -rf "$documents"' EXIT

python scripts/openapi.py "$documents" >/dev/null
for function in analyze status stream; do
    deno run --allow-read --allow-write --allow-env --no-prompt \
        ui/node_modules/openapi-typescript/bin/cli.js "$documents/$function.json" --output "$target/$function.ts" >/dev/null
done
