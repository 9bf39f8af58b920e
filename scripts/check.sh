#!/bin/sh
# Everything that can be said about the code without running it.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

ruff check .
ruff format --check .
mypy
hadolint functions/*/Dockerfile ui/Dockerfile pot-provider/Dockerfile
(cd ui && deno task check)
(cd pot-provider && deno task check)
