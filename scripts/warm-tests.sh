#!/usr/bin/env bash
# Compiles the stock scenarios and the tests' guests into the folder of compiled code that all servers of the tests share
# (tests/kit/src/tandem.rs): beside tests that compute, it would take each of them many times as long.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
programs=$(realpath "${CARGO_TARGET_DIR:-target}")/debug
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT

mkdir -p -m 700 "$programs/tests-compiled"
ln -s "$programs/tests-compiled" "$data/compiled"
tandem() { "$programs/tandem" "$@" --data "$data" >/dev/null; }
tandem domain add warm.test --empty
for component in scenarios/dist/*.wasm tests/guests/dist/{ts,py}/*.wasm; do
    tandem scenario add "$component" --name "$(basename "$component" .wasm)" --domain warm.test
done
