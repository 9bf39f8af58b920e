#!/bin/sh
# Writes requirements.lock anew: one lock for every extra and platform, with hashes, without the address of any index.
set -eu
cd "$(dirname "$0")/.."

"$(scripts/uv.sh)" pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
    --no-header --no-emit-index-url --no-emit-find-links "$@" --output-file requirements.lock pyproject.toml
