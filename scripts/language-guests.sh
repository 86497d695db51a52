#!/usr/bin/env bash
# Builds the tests' guests in TypeScript and Python from source, and is silent when they are up to date:
#
#   language-guests.sh     tests/guests/dist/{ts,py}/NAME.wasm
#
# desk, web and event are the templates (sdk-wit/templates), tour the examples of the book (docs/scenarios/examples), sandbox a test guest
# (tests/guests). The first run installs the tools: guest-languages.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

note() { printf 'language-guests: %s\n' "$*" >&2; }

# All that goes into a guest of folder $1 with the SDK $2.
stamp() {
    find "$1" "$2" sdk-wit/wit scripts/guest-languages.sh tools/guest-build/src/merge tools/guest-build/src/{heap,image,immortal}.rs -type f \
        -not -path '*/node_modules/*' -not -path '*/__pycache__/*' -not -path '*/dist/*' -print0 |
        sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-64
}

# build LANGUAGE NAME FOLDER SDK BUILDER…; a template of another world than calls lies over the one of calls.
build() {
    local language=$1 name=$2 folder=$3 sdk=$4 out=tests/guests/dist/$1/$2.wasm work
    local world=call-scenario
    case $name in web | event) world=$name-scenario ;; esac
    shift 4
    local now
    now=$(stamp "$folder" "$sdk")
    if [ -e "$out" ] && [ "$(cat "$out.stamp" 2>/dev/null)" = "$now" ]; then return; fi
    mkdir -p "$(dirname "$out")"
    # A copy: a template has a placeholder, and a build leaves a link behind.
    work=$(mktemp -d)
    if [ $world != call-scenario ]; then cp -r "sdk-wit/templates/$language/." "$work"; fi
    cp -r "$folder/." "$work"
    find "$work" -type f -not -path '*/node_modules/*' \
        -exec sed -i -e "s/{{name}}/$name/g" -e "s/{{world}}/$world/g" {} +
    "$@" "$work" --out "$out" >/dev/null || { rm -rf "$work"; note "$language/$name does not build"; exit 1; }
    rm -rf "$work"
    if [ "$language" = py ]; then "${CARGO_TARGET_DIR:-target}/debug/guest-build" merge "$out"; fi
    printf '%s' "$now" >"$out.stamp"
    note "$out, $(($(stat -c %s "$out") / 1024)) KiB"
}

typescript() {
    local sdk=sdk-wit/typescript
    for guest in desk:sdk-wit/templates/ts sandbox:tests/guests/ts/sandbox tour:docs/scenarios/examples/ts \
        web:sdk-wit/templates/ts-web event:sdk-wit/templates/ts-event; do
        build ts "${guest%%:*}" "${guest#*:}" "$sdk" node "$sdk/build.mjs"
    done
}

python() {
    local sdk=sdk-wit/python
    for guest in desk:sdk-wit/templates/py sandbox:tests/guests/py/sandbox tour:docs/scenarios/examples/py \
        web:sdk-wit/templates/py-web event:sdk-wit/templates/py-event; do
        build py "${guest%%:*}" "${guest#*:}" "$sdk" python3 "$sdk/build.py"
    done
}

scripts/guest-languages.sh >/dev/null
typescript &
first=$!
python
wait "$first"
