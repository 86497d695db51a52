#!/usr/bin/env bash
# A compiler that lints: clippy first, then rustc, with the same arguments; a lint that fires ends the build.
#
#   cargo test --config 'build.rustc-workspace-wrapper="scripts/clippy-rustc.sh"'
#
# `cargo clippy` would analyse all dependencies once more, beside their build: many minutes where nothing is built yet.
# Here the workspace is linted against the dependencies that the tests are linked with.
set -euo pipefail
rustc=$1
shift

# What cargo asks the compiler about itself.
case " $* " in *' ___ '* | ' -vV ') exec "$rustc" "$@" ;; esac
# Tests are linted by `make lint`: they are half of the work.
case " $* " in *' --test '*) exec "$rustc" "$@" ;; esac

# Only the analysis, whose result nobody needs. Cargo must not be told of it as of something built: no `artifacts`.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
arguments=()
for argument in "$@"; do
    case $argument in
        --emit=*) argument=--emit=metadata ;;
        --json=*) argument=--json=diagnostic-rendered-ansi ;;
        incremental=*) argument=incremental=$scratch ;;
    esac
    if [ "${previous:-}" = --out-dir ]; then argument=$scratch; fi
    arguments+=("$argument")
    previous=$argument
done
CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__ clippy-driver "$rustc" "${arguments[@]}"
"$rustc" "$@"
