#!/usr/bin/env bash
# Installs what is missing, says what it does, and is silent when everything is there.
#
#   setup.sh run      what a running Tandem needs: espeak-ng, which speaks texts
#   setup.sh build    what building needs beside Rust: a C compiler (SQLite), a compiler for WASM guests, Node.js for the
#                     console
#   setup.sh test     all of that, the tests' peers (baresip, SIPp, sox, a mail server, Chromium), and what builds guests in other
#                     languages
#
# Installs Debian packages as root, or with sudo. SETUP_DRY_RUN=1 only says what would be installed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

note() { printf 'setup: %s\n' "$*" >&2; }
die() { note "$*"; exit 1; }

# A program, and the Debian package that has it.
for_run=(espeak-ng:espeak-ng)
for_build=(cc:gcc node:nodejs npm:npm)
for_test=(baresip:baresip-core sipp:sip-tester sox:sox chromium:chromium python3:python3)

case ${1:-} in
    run) wanted=("${for_run[@]}") ;;
    build) wanted=("${for_build[@]}") ;;
    test) wanted=("${for_run[@]}" "${for_build[@]}" "${for_test[@]}") ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

programs=() packages=()
for pair in "${wanted[@]}"; do
    if ! command -v "${pair%%:*}" >/dev/null; then
        programs+=("${pair%%:*}")
        packages+=("${pair#*:}")
    fi
done

# No program of its own: Debian splits this module off.
if [ "$1" = test ] && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    programs+=(python3)
    packages+=(python3-venv)
fi

if [ "${#packages[@]}" -gt 0 ]; then
    note "missing: ${programs[*]}"
    command -v apt-get >/dev/null || die "this is no Debian: install these programs by the means of your system: ${programs[*]}"
    as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "neither root nor sudo: have an administrator run 'apt-get install ${packages[*]}'"
        as_root=(sudo)
    fi
    note "installing the Debian packages ${packages[*]}"
    if [ -n "${SETUP_DRY_RUN:-}" ]; then exit 0; fi
    "${as_root[@]}" apt-get update -qq >&2 || note "apt-get update failed: going on with the lists at hand"
    # No recommended packages: baresip's would bring a desktop.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}" \
        >&2 || die "apt-get could not install ${packages[*]}: what it said is above"
    for program in "${programs[@]}"; do
        hash -r
        command -v "$program" >/dev/null || die "$program is still missing after the installation"
    done
fi

if [ "$1" != run ]; then
    "$here/guest-toolchain.sh" >/dev/null
fi
if [ "$1" = test ]; then
    "$here/test-python.sh" >/dev/null
fi
