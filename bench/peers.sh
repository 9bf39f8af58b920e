#!/bin/sh
# Makes .venv-bench hold the peers that come as Python packages; their dependencies and ours exclude each other.
set -eu
cd "$(dirname "$0")/.."

uv=$(scripts/uv.sh)
"$uv" venv --quiet --clear --no-python-downloads --python "$(scripts/python.sh)" .venv-bench
"$uv" pip install --quiet --python .venv-bench/bin/python mediaflow-proxy==2.4.9
