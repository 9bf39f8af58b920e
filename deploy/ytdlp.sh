#!/bin/sh
# Puts another yt-dlp into an environment, with the solver scripts that it names itself. Not from the lock: no hash is known.
# usage: deploy/ytdlp.sh PYTHON VERSION
set -eu

uv pip install --quiet --python "$1" --no-deps "yt-dlp==$2"
scripts=$("$1" -c '
from importlib.metadata import requires
print(*{item.partition(";")[0].strip() for item in requires("yt-dlp") or [] if item.startswith("yt-dlp-ejs")})')
uv pip install --quiet --python "$1" --no-deps "$scripts"
