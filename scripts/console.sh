#!/usr/bin/env bash
# Fetches the packages of a Node.js project by its package-lock.json, builds it where it builds something, and is silent
# when all is up to date:
#
#   console.sh                  the console: admin-ui/dist
#   console.sh tests/browser    what the tests' walks through the console need
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../${1:-admin-ui}"

note() { printf 'console: %s\n' "$*" >&2; }

hash() { sha256sum | cut -c 1-64; }

locked=$(hash <package-lock.json)
if [ "$(cat node_modules/.locked 2>/dev/null)" != "$locked" ]; then
    note "fetching the packages of ${PWD##*/}"
    npm ci --no-audit --no-fund --loglevel=error >&2 || { note "npm ci failed"; exit 1; }
    printf '%s' "$locked" >node_modules/.locked
fi
if ! grep -q '"build":' package.json; then exit 0; fi

# Its client is made of the API's document.
now=$({ find . -type f -not -path './node_modules/*' -not -path './dist/*' -not -path './.*' -not -path ./src/api/schema.d.ts -print0 |
    sort -z | xargs -0 sha256sum; sha256sum <../docs/openapi.json; } | hash)
if [ "$(cat node_modules/.built 2>/dev/null)" = "$now" ] && [ -e dist/index.html ]; then exit 0; fi
note "building ${PWD##*/}"
npm run --silent build >&2 || { note "it does not build"; exit 1; }
printf '%s' "$now" >node_modules/.built
note "${PWD##*/}/dist, $(du -sk dist | cut -f 1) KiB"
