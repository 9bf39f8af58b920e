#!/bin/sh
# Makes .venv hold what one extra of pyproject.toml needs, in the versions and with the hashes of requirements.lock.
# usage: scripts/install.sh local|test
set -eu
cd "$(dirname "$0")/.."

uv=$(scripts/uv.sh)
if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    "$uv" venv --quiet --clear --no-python-downloads --python "$(scripts/python.sh)" .venv
fi
"$uv" pip install --quiet --python .venv/bin/python --require-hashes \
    --requirements pyproject.toml --extra "$1" --constraints requirements.lock
