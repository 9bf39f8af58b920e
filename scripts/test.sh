#!/bin/sh
# Every test there is. Arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

pytest "$@"
(cd ui && deno task test)
(cd pot-provider && deno task test)
