#!/bin/sh
# Every test there is. Arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

# In two processes: most tests wait for something most of the time. What one file's tests share is made once.
pytest --numprocesses 2 --dist loadfile "$@"
(cd ui && deno task test)
(cd pot-provider && deno task test)
