#!/bin/sh
# Moves to the newest yt-dlp, or to the one that is named (an older one, a nightly), with the solver scripts that it asks for.
# Nothing else changes; and nothing at all where the tests of the extraction then fail.
# usage: scripts/update-ytdlp.sh [VERSION]
set -eu
cd "$(dirname "$0")/.."
uv=$(scripts/uv.sh)

pinned() { # pinned PACKAGE FILE
    sed -n "s/.*\"$1==\([^\"]*\)\".*/\1/p" "$2"
}

wanted="yt-dlp[default]${1:+==$1}"
if ! found=$(echo "$wanted" | "$uv" pip compile --quiet --no-header --no-annotate --python-version 3.11 -); then
    echo "There is no $wanted to be had: no package index can be reached, or it has none. Nothing was changed." >&2
    exit 1
fi
version=$(echo "$found" | sed -n 's/^yt-dlp==//p')
solver=$(echo "$found" | sed -n 's/^yt-dlp-ejs==//p')
before=$(pinned yt-dlp pyproject.toml)
solver_before=$(pinned yt-dlp-ejs pyproject.toml)
if [ "$version $solver" = "$before $solver_before" ]; then
    echo "yt-dlp $version is pinned already. Nothing was changed."
    exit
fi

kept=$(mktemp -d)
cp pyproject.toml requirements.lock "$kept"
back() {
    trap - EXIT
    cp "$kept/pyproject.toml" "$kept/requirements.lock" .
    rm -rf "$kept"
    scripts/install.sh test
    echo "yt-dlp stays at $before: $1" >&2
    exit 1
}
trap 'back "the update was broken off."' EXIT
trap 'exit 1' INT TERM

sed -e "s/\"yt-dlp==[^\"]*\"/\"yt-dlp==$version\"/" -e "s/\"yt-dlp-ejs==[^\"]*\"/\"yt-dlp-ejs==$solver\"/" \
    "$kept/pyproject.toml" >pyproject.toml
scripts/lock.sh --upgrade-package yt-dlp --upgrade-package yt-dlp-ejs || back "no lock fits."
scripts/install.sh test || back "it cannot be installed."
.venv/bin/python -m pytest -q tests/worker/test_extraction_videos.py tests/youtube/test_extraction.py || back "tests fail with $version."

trap - EXIT
echo "yt-dlp      $before → $version"
echo "yt-dlp-ejs  $solver_before → $solver"
for file in before after; do
    folder=$kept
    [ "$file" = before ] || folder=.
    sed -n 's/^\([^ ]*==[^ ;]*\).*/\1/p' "$folder/requirements.lock" >"$kept/$file"
done
others=$(diff "$kept/before" "$kept/after" | sed -n '/[<>] yt-dlp\(-ejs\)\{0,1\}==/!s/^\([<>]\)/    \1/p')
[ -z "$others" ] || printf 'and in requirements.lock\n%s\n' "$others"
rm -rf "$kept"
echo "To go back: make update-ytdlp VERSION=$before"
