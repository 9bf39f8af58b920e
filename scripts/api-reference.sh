#!/bin/sh
# Writes the API reference of the documentation anew from the functions' OpenAPI documents: scripts/api-reference.sh [FOLDER]
set -eu
cd "$(dirname "$0")/.."

.venv/bin/python scripts/reference.py "${1:-docs}" >/dev/null
