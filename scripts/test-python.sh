#!/usr/bin/env bash
# Installs the tests' peers in Python (tests/requirements.txt: a mail server, schemathesis), is silent when they are there, and prints
# where: a virtual environment under ${XDG_CACHE_HOME:-~/.cache}/tandem, one for each set of versions.
set -euo pipefail
wanted=$(cd "$(dirname "${BASH_SOURCE[0]}")/../tests" && pwd)/requirements.txt
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tandem
place=$cache/test-python-$(sha256sum "$wanted" | cut -c 1-12)

die() { printf 'test-python: %s\n' "$*" >&2; exit 1; }

# Two at once would install into the same folder.
mkdir -p "$cache"
exec 9>"$cache/test-python.lock"
flock 9

if [ ! -e "$place/.ready" ]; then
    printf 'test-python: installing the tests'\'' Python peers into %s\n' "$place" >&2
    rm -rf "$place"
    python3 -m venv "$place" >&2 || die "python3 makes no virtual environment (Debian: apt-get install python3-venv)"
    "$place/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
        --requirement "$wanted" >&2 || die "pip install failed: what it said is above"
    touch "$place/.ready"
fi
printf '%s\n' "$place"
