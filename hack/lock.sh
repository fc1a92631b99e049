#!/usr/bin/env bash
# Renew requirements/*.lock: every extra agrees with dev.lock, so one machine can hold them all.
# Usage: hack/lock.sh path/to/uv
set -euo pipefail
uv=$1
compile=("$uv" pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11)

"${compile[@]}" --upgrade pyproject.toml --extra operator --extra runtime --group dev --output-file requirements/dev.lock
for extra in operator runtime; do
    "${compile[@]}" pyproject.toml --extra "$extra" --constraint requirements/dev.lock --output-file "requirements/$extra.lock"
done
