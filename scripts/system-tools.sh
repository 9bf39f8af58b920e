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
need redis-tools redis-check-rdb redis-server # a server with TLS
need tini tini
need chromium chromium chromium-browser google-chrome
need prometheus promtool

take() { # take PACKAGE PROGRAM...: these programs alone, where the package itself would start a service
    package=$1
    shift
    folder=$(mktemp -d)
    (cd "$folder" && apt-get -o APT::Sandbox::User=root -qq download "$package" && dpkg-deb --extract "$package"_*.deb .)
    for program in "$@"; do
        install -m 755 "$folder/usr/bin/$program" /usr/local/bin/
    done
    rm -rf "$folder"
}

[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing for the tests:$missing"
    apt-get update -qq
    case $missing in
        *" prometheus"*)
            take prometheus prometheus promtool
            missing=${missing%% prometheus*}${missing#* prometheus}
            ;;
    esac
    # shellcheck disable=SC2086 # a list of packages
    [ -z "$missing" ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
else
    echo "missing for some tests:$missing" >&2
    [ "${CI:-}" != true ]
fi
