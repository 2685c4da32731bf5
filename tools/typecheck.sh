#!/usr/bin/env bash
# mypy over the package as it is imported: trainers/ as arabench.trainers. The staging
# folder holds links only, so that mypy sees one tree without an install.
set -euo pipefail
cd "$(dirname "$0")/.."
stage=.build/typecheck
rm -rf "$stage"
mkdir -p "$stage/arabench"
for entry in arabench/*; do ln -s "$PWD/$entry" "$stage/arabench/$(basename "$entry")"; done
ln -s "$PWD/trainers" "$stage/arabench/trainers"
ln -s "$PWD/tools" "$stage/tools"
cd "$stage"
exec "${MYPY:-mypy}" --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache -p arabench
