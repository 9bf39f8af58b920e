#!/bin/sh
# Writes requirements.lock anew: one lock for every extra and platform, with hashes, without the address of any index.
# Beside it deploy/uv.txt, the same for the program that installs from it into images.
set -eu
cd "$(dirname "$0")/.."

compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-emit-index-url --no-emit-find-links "$@"
}
uv=$(scripts/uv.sh)
compile "$@" --all-extras --output-file requirements.lock pyproject.toml
echo uv | compile "$@" --no-annotate --output-file deploy/uv.txt -
