#!/usr/bin/env bash
# A compiler that lints while it compiles: clippy's; a lint that fires ends the build.
#
#   cargo test --config 'build.rustc-workspace-wrapper="scripts/clippy-rustc.sh"'
#
# `cargo clippy` would analyse everything once more, beside the build: many minutes where nothing is built yet.
set -euo pipefail
# What cargo asks the compiler about itself, and tests: they are half of the work, and `make lint` lints them.
case " $* " in *' ___ '* | *' -vV ' | *' --test '*) exec "$@" ;; esac
# Not by CLIPPY_ARGS: cargo would look for it in its own environment the next time, and build all of it again.
exec clippy-driver "$@" -Dwarnings
