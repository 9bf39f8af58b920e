#!/bin/sh
# Prints the path of uv: the one on PATH, else one of this checkout's own in .venv-tools.
set -eu
cd "$(dirname "$0")/.."

if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then
    command -v uv
    exit
fi

own=$PWD/.venv-tools/bin/uv
if [ ! -x "$own" ]; then
    python=$(scripts/python.sh)
    rm -rf .venv-tools
    # Debian splits these two out of python3; whichever is there is enough.
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv .venv-tools >&2
        .venv-tools/bin/python -m pip install --quiet uv >&2
    elif "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m pip install --quiet --target .venv-tools uv >&2
    elif pip=$(scripts/debian-pip.sh .venv-tools/pip); then
        "$python" "$pip" install --quiet --target .venv-tools uv >&2
    else
        echo "This Python can neither make virtual environments nor run pip." >&2
        echo "  Debian, Ubuntu:  sudo apt-get install python3-venv" >&2
        echo "  or install uv:   it only has to be on PATH" >&2
        exit 1
    fi
fi
echo "$own"
