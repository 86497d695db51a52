#!/usr/bin/env bash
# Finds, or makes, a Rust compiler for WASM guests, and prints it as its last line: RUSTC=/path/to/rustc
#
#   guest-toolchain.sh [FOLDER]     a compiler that must be made goes to FOLDER,
#                                   by default ${XDG_CACHE_HOME:-~/.cache}/tandem/rust-guest
#
# In this order, the first that works:
#   1. the Rust at hand, when it has the target wasm32-unknown-unknown already;
#   2. what an earlier run left in FOLDER;
#   3. `rustup target add wasm32-unknown-unknown` (needs static.rust-lang.org);
#   4. Debian's rustc-web with the standard library built from rust-web-src: about a minute, 470 MB, nothing installed.
#
# Calling it again costs nothing. TANDEM_GUEST_NO_RUSTUP=1 leaves 3 out; JOBS says how many processes 4 may use.
set -euo pipefail

target=wasm32-unknown-unknown
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/tandem/rust-guest}

note() { printf 'guest-toolchain: %s\n' "$*" >&2; }
die() { note "$*"; exit 1; }
found() { printf 'RUSTC=%s\n' "$1"; exit 0; }

command -v cargo >/dev/null || die "there is no cargo: install Rust from https://rustup.rs first"
ours=$(rustup which rustc 2>/dev/null || command -v rustc)

has_target() {
    local libraries
    libraries=$("$1" --print target-libdir --target "$target" 2>/dev/null) || return 1
    compgen -G "$libraries/libstd-*.rlib" >/dev/null
}

# Compiles and links a guest that needs the standard library.
links_a_guest() {
    local place status=0
    place=$(mktemp -d)
    printf 'pub fn guest() -> String { format!("{}", 302) }\n' >"$place/guest.rs"
    "$1" --crate-name guest --crate-type cdylib --target "$target" -C opt-level=1 \
        -o "$place/guest.wasm" "$place/guest.rs" >&2 || status=$?
    rm -rf "$place"
    return "$status"
}

by_rustup() {
    [ -z "${TANDEM_GUEST_NO_RUSTUP:-}" ] && command -v rustup >/dev/null || return 1
    note "asking rustup for $target"
    timeout 120 rustup target add "$target" >&2 && has_target "$ours"
}

# The one package among the dependencies of $1 whose name fits the expression $2.
dependency() { apt-cache show "$1" | sed -n 's/^Depends: //p' | grep -oE "$2" | head -n 1; }

from_debian() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
        die "rustup could not add $target, and this is no Debian: run 'rustup target add $target' with network"
    local work version std llvm
    work=$(mktemp -d)
    # shellcheck disable=SC2064  # The folder of now is the one to remove.
    trap "rm -rf '$work'" EXIT

    if [ "$(id -u)" = 0 ]; then
        timeout 300 apt-get update -qq >&2 || note "apt-get update failed: going on with the lists at hand"
    fi
    version=$(apt-cache policy rust-web-src | sed -n 's/^ *Candidate: //p')
    [ -n "$version" ] && [ "$version" != '(none)' ] || die "apt knows no rust-web-src: run 'rustup target add $target' with network"
    std=$(dependency "libstd-rust-web-dev=$version" 'libstd-rust-web-[0-9.]*[0-9]')
    llvm=$(dependency "$std=$version" 'libllvm[0-9]+')

    note "making a compiler from Debian's rustc-web $version in $folder"
    mkdir -p "$work/packages" "$work/tree"
    (cd "$work/packages" && timeout 600 apt-get download -qq -o APT::Sandbox::User=root \
        "rustc-web=$version" "rust-web-src=$version" "libstd-rust-web-dev=$version" "$std=$version" "$llvm") >&2
    local package
    for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" "$work/tree"; done

    # Made aside, moved into place when it is whole: a run that was cut short leaves nothing that looks ready.
    local made="$work/made"
    mkdir -p "$made/bin" "$made/libexec"
    mv "$work/tree/usr/lib" "$made/lib"
    mv "$work/tree/usr/bin/rustc" "$made/libexec/rustc"
    # The compiler finds its libraries beside itself; so the folder may be moved.
    cat >"$made/bin/rustc" <<'WRAPPER'
#!/bin/sh
home=$(dirname "$(dirname "$(readlink -f "$0")")")
libraries=$(echo "$home"/lib/*-linux-gnu):$home/lib
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$home/libexec/rustc" --sysroot "$home" "$@"
WRAPPER
    chmod 755 "$made/bin/rustc"

    # Debian's compiler has no rust-lld. A link to ours, not a copy: it looks for its libLLVM relative to itself.
    local host linker
    host=$("$made/bin/rustc" -vV | sed -n 's/^host: //p')
    linker=$(find "$("$ours" --print sysroot)" -name rust-lld -type f -print -quit)
    [ -n "$linker" ] || die "there is no rust-lld in $("$ours" --print sysroot)"
    mkdir -p "$made/lib/rustlib/$host/bin"
    ln -s "$linker" "$made/lib/rustlib/$host/bin/rust-lld"

    # The standard library, of the compiler's very version: another one's does not compile.
    local source empty="$work/empty"
    source=$(dirname "$(echo "$work"/tree/usr/src/rustc-*/library)")
    rm -rf "$made/lib/rustlib/src" # Debian's own link to where the package would have been installed.
    mkdir -p "$made/lib/rustlib/src" "$empty/src"
    ln -s "$source" "$made/lib/rustlib/src/rust"
    : >"$empty/src/lib.rs"
    printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$empty/Cargo.toml"
    note "building the standard library for $target"
    (cd "$empty" && env -u RUSTC_WRAPPER -u RUSTC_WORKSPACE_WRAPPER -u CARGO_ENCODED_RUSTFLAGS \
        RUSTC="$made/bin/rustc" RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$work/built" \
        RUSTFLAGS="-C embed-bitcode=yes --remap-path-prefix=$source=/rust" \
        timeout 900 cargo build --quiet --release --jobs "${JOBS:-2}" \
        -Z build-std=std,panic_abort --target "$target") >&2
    local library libraries="$made/lib/rustlib/$target/lib"
    mkdir -p "$libraries"
    for library in "$work/built/$target/release/deps"/lib*.rlib; do
        case ${library##*/} in libempty-*) ;; *) cp "$library" "$libraries/" ;; esac
    done
    rm -r "$made/lib/rustlib/src"

    links_a_guest "$made/bin/rustc" || die "the compiler that was made does not link a guest"
    touch "$made/.ready"
    rm -rf "$folder"
    mkdir -p "$(dirname "$folder")"
    mv "$made" "$folder"
    note "$("$folder/bin/rustc" --version) is in $folder, $(du -sh "$folder" | cut -f1)"
}

if has_target "$ours"; then found "$ours"; fi
if [ -e "$folder/.ready" ] && [ -x "$folder/bin/rustc" ]; then found "$folder/bin/rustc"; fi
if by_rustup; then found "$ours"; fi
from_debian
found "$folder/bin/rustc"
