#!/bin/sh
# `make env`: writes .env from .env.example with random keys; never overwrites. Needs nothing but a shell and its tools.
set -eu
cd "$(dirname "$0")/.."

if [ -e .env ]; then
    echo "$PWD/.env exists and stays as it is" >&2
    exit 1
fi

random() { od -An -tx1 -N "$1" /dev/urandom | tr -d ' \n'; }
secret_key=$(random 32)
access_key=$(random 16)
[ ${#secret_key}-${#access_key} = 64-32 ] # a pipe tells of its last command only

umask 077
set -C # where two of these run at once, one of them writes
while IFS= read -r line; do
    case $line in
        '#SECRET_KEY='*) echo "SECRET_KEY=$secret_key" ;;
        '#ACCESS_KEY='*) echo "ACCESS_KEY=$access_key" ;;
        *) printf '%s\n' "$line" ;;
    esac
done < .env.example > .env
echo "$PWD/.env written: every request now needs its ACCESS_KEY"
