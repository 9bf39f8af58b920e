#!/bin/sh
# Moves the token service to the newest bgutils-js and jsdom, and tells whether yt-dlp's plugin still speaks its protocol.
# Nothing changes where the service's tests then fail.
# usage: scripts/update-pot.sh
set -eu
cd "$(dirname "$0")/.."
root=$PWD
PATH=$PWD/.venv/bin:$PATH

major() { echo "${1%%.*}"; }
spoken=$(sed -n 's/.*PROTOCOL_VERSION = "\(.*\)".*/\1/p' pot-provider/server.ts)
plugin=$(sed -n 's/^bgutil-ytdlp-pot-provider==\([^ ]*\).*/\1/p' requirements.lock)
if [ "$(major "$spoken")" != "$(major "$plugin")" ]; then
    echo "The plugin is $plugin and the service speaks $spoken: the plugin refuses another major version." >&2
    exit 1
fi

kept=$(mktemp -d)
cp pot-provider/package.json pot-provider/deno.lock "$kept"
back() {
    trap - EXIT
    cd "$root"
    cp "$kept/package.json" "$kept/deno.lock" pot-provider
    rm -rf "$kept"
    (cd pot-provider && deno install --quiet --frozen) || true
    echo "The token service stays as it was: $1" >&2
    exit 1
}
trap 'back "the update was broken off."' EXIT
trap 'exit 1' INT TERM

cd pot-provider
versions() { sed -n 's/^    "npm:\(bgutils-js\|jsdom\)@[^"]*": "\([^_"]*\).*/\1 \2/p' "$1"; }
# With a cache of its own: what an older one remembers would pass for the newest. Whether the registry answers has to be asked
# apart, since `outdated` would say that everything is up to date.
fresh() { DENO_DIR=$kept/deno deno "$@"; }
fresh info --quiet --no-config --no-lock npm:bgutils-js >/dev/null 2>&1 || back "no npm registry can be reached."
fresh outdated --quiet --update --latest bgutils-js jsdom >&2 || back "the newest cannot be had."
# A mirror's address is nothing for the lock, and not needed there.
deno eval --no-config '
const lock = JSON.parse(Deno.readTextFileSync("deno.lock"));
for (const entry of Object.values(lock.npm)) delete entry.tarball;
Deno.writeTextFileSync("deno.lock", JSON.stringify(lock, null, 2) + "\n");'
deno install --quiet --frozen || back "it cannot be installed."
cd ..
if [ "$(versions pot-provider/deno.lock)" = "$(versions "$kept/deno.lock")" ]; then
    echo "bgutils-js and jsdom are the newest. Nothing was changed."
else
    (cd pot-provider && deno task check && deno task test) || back "its tests fail."
    .venv/bin/python -m pytest -q tests/worker/test_pot_provider.py || back "its tests with the plugin fail."
    versions "$kept/deno.lock" | sed 's/^/before  /'
    versions pot-provider/deno.lock | sed 's/^/now     /'
fi
trap - EXIT
rm -rf "$kept"

uv=$(scripts/uv.sh)
if newest=$(echo bgutil-ytdlp-pot-provider | "$uv" pip compile --quiet --no-header --no-annotate --python-version 3.11 - 2>/dev/null); then
    newest=${newest#*==}
    echo "plugin  $plugin, the newest is $newest; the service speaks $spoken"
    [ "$(major "$newest")" = "$(major "$spoken")" ] || echo "The newest plugin is of another major version: the service has to learn it first."
fi
