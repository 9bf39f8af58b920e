#!/bin/sh
# The real clients, proxies and browser the tests use. Installs what is missing where it may (Debian and Ubuntu, as root),
# names it where it may not: tests that need a missing tool fail or are skipped then, which CI=true does not accept.
set -eu

missing=
need() { # need PACKAGE COMMAND...: any of the commands is enough
    package=$1
    shift
    for tool in "$@"; do
        PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null && return
    done
    missing="$missing $package"
}
need curl curl
need wget wget
need aria2 aria2c
need nginx nginx
need caddy caddy
need ffmpeg ffprobe
need mkvtoolnix mkvmerge
need chromium chromium chromium-browser google-chrome

[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing for the tests:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
else
    echo "missing for some tests:$missing" >&2
    [ "${CI:-}" != true ]
fi
