#!/bin/sh
# Takes the pictures of the documentation anew, of the page as it is: scripts/screenshots.sh [FOLDER]
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

python -m tests.screenshots "$@"
