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
    # Debian splits these two out of python3; whichever is there is enough.
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        rm -rf .venv-tools
        "$python" -m venv .venv-tools >&2
        .venv-tools/bin/python -m pip install --quiet uv >&2
    elif "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m pip install --quiet --target .venv-tools uv >&2
    elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && [ -z "${VENV_INSTALLED:-}" ]; then
        echo "python3-venv is missing; installing it with apt-get" >&2
        apt-get update -qq >&2
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >&2
        VENV_INSTALLED=1 exec scripts/uv.sh # once: the package may be another Python's
    else
        echo "This Python can neither make virtual environments nor run pip." >&2
        echo "  Debian, Ubuntu:  sudo apt-get install python3-venv" >&2
        echo "  or install uv:   it only has to be on PATH" >&2
        exit 1
    fi
fi
echo "$own"
