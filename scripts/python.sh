#!/bin/sh
# Prints the first Python that is new enough; what this machine has is used, nothing is downloaded.
set -eu

for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        command -v "$candidate"
        exit
    fi
done

cat >&2 <<'MESSAGE'
Sluice needs Python 3.11 or newer, and found none.
  Debian, Ubuntu:  apt-get install python3
  macOS:           brew install python
  elsewhere:       install it, then run make PYTHON=/path/to/python3
MESSAGE
exit 1
