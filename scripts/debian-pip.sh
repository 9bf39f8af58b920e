#!/bin/sh
# Prints the path of a pip that any Python can run, unpacked into a folder: pip's own wheel, from the archive that this Debian or
# Ubuntu is set up to use. Needs no rights and installs nothing, unlike python3-venv and python3-pip.
# usage: scripts/debian-pip.sh FOLDER
set -eu

for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || exit 1
done
echo "this Python comes without pip; fetching it with apt-get, for this checkout only" >&2
mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
cd "$1"

fetch() { apt-get -qq "$@" download python3-pip-whl >&2; }
if ! fetch 2>/dev/null; then
    # The system has no list of its packages, as in a container: this folder gets one.
    set -- -o "Dir::State::Lists=$PWD/lists" -o "Dir::Cache=$PWD/cache"
    apt-get -qq "$@" update >&2
    fetch "$@"
fi
dpkg-deb --extract python3-pip-whl_*.deb .
rm -rf lists cache python3-pip-whl_*.deb
set -- usr/share/python-wheels/pip-*.whl
[ -f "$1" ]
echo "$PWD/$1/pip"
