#!/usr/bin/env bash
# Builds the console (admin-ui/dist) from source, and is silent when it is up to date:
#
#   console.sh
#
# The first run fetches the packages of admin-ui/package-lock.json.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../admin-ui"

note() { printf 'console: %s\n' "$*" >&2; }

hash() { sha256sum | cut -c 1-64; }

locked=$(hash <package-lock.json)
if [ "$(cat node_modules/.locked 2>/dev/null)" != "$locked" ]; then
    note "fetching packages"
    npm ci --no-audit --no-fund --loglevel=error >&2 || { note "npm ci failed"; exit 1; }
    printf '%s' "$locked" >node_modules/.locked
fi

now=$(find . -type f -not -path './node_modules/*' -not -path './dist/*' -not -path './.*' -print0 |
    sort -z | xargs -0 sha256sum | hash)
if [ "$(cat node_modules/.built 2>/dev/null)" = "$now" ] && [ -e dist/index.html ]; then exit 0; fi
note "building"
npm run --silent build >&2 || { note "it does not build"; exit 1; }
printf '%s' "$now" >node_modules/.built
note "admin-ui/dist, $(du -sk dist | cut -f 1) KiB"
