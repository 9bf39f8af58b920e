#!/bin/sh
# Writes secrets.env with random keys, once; `kubectl kustomize` makes the Secret out of it.
set -eu
cd "$(dirname "$0")"
[ ! -e secrets.env ] || exit 0

random() { od -An -tx1 -N "$1" /dev/urandom | tr -d ' \n'; }
password=$(random 16)
umask 077
cat > secrets.env <<END
SECRET_KEY=$(random 32)
ACCESS_KEY=$(random 16)
REDIS_PASSWORD=$password
REDIS_URL=redis://:$password@redis:6379/0
#GLOBAL_PROXY=
END
