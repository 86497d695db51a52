#!/usr/bin/env bash
# Installs what builds scenarios in TypeScript and Python, says what it does, is silent when it is there, and prints where:
#
#   guest-languages.sh typescript     TYPESCRIPT=FOLDER, whose node_modules has componentize-qjs, esbuild and typescript
#   guest-languages.sh python         PYTHON=FOLDER, a virtual environment that has componentize-py
#   guest-languages.sh                both
#
# The versions are those of sdk-wit/typescript/package-lock.json and sdk-wit/python/requirements.txt; they come from the
# npm registry and from PyPI, with their hashes checked, into ${XDG_CACHE_HOME:-~/.cache}/tandem, a folder for each set
# of versions. Some 150 MB and half a minute, the first time.
set -euo pipefail
# A project has the SDKs elsewhere: TANDEM_SDK.
sdk=${TANDEM_SDK:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../sdk-wit" && pwd)}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tandem

note() { printf 'guest-languages: %s\n' "$*" >&2; }
die() { note "$*"; exit 1; }

# The folder for what the file $2 names.
folder() { printf '%s/%s-%s' "$cache" "$1" "$(sha256sum "$2" | cut -c 1-12)"; }

typescript() {
    local lock=$sdk/typescript/package-lock.json place
    place=$(folder guest-typescript "$lock")
    if [ ! -e "$place/.ready" ]; then
        command -v npm >/dev/null || die "there is no npm: install Node.js 20 or newer (Debian: apt-get install nodejs npm)"
        note "installing the TypeScript tools into $place"
        fresh "$place"
        cp "$sdk/typescript/package.json" "$lock" "$place"
        npm ci --prefix "$place" --ignore-scripts --no-audit --no-fund --loglevel=error >&2 ||
            die "npm ci failed: what it said is above"
        touch "$place/.ready"
    fi
    printf 'TYPESCRIPT=%s\n' "$place"
}

python() {
    local wanted=$sdk/python/requirements.txt place
    place=$(folder guest-python "$wanted")
    if [ ! -e "$place/.ready" ]; then
        note "installing the Python tools into $place"
        fresh "$place"
        python3 -m venv "$place" >&2 ||
            die "python3 makes no virtual environment (Debian: apt-get install python3-venv)"
        "$place/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
            --requirement "$wanted" >&2 || die "pip install failed: what it said is above"
        touch "$place/.ready"
    fi
    printf 'PYTHON=%s\n' "$place"
}

# An empty folder in the place of what a run that was cut short left.
fresh() { rm -rf "$1"; mkdir -p "$1"; }

# Two at once would install into the same folder.
mkdir -p "$cache"
exec 9>"$cache/guest-languages.lock"
flock 9

case ${1:-both} in
    typescript) typescript ;;
    python) python ;;
    both) typescript && python ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
