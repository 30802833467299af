#!/usr/bin/env bash
# Finds libclang, which RocksDB's bindings are generated with, or gets it; prints the `export` lines for it.
#
# What is there is taken first, then a way that needs no root. What is fetched is kept in the cache folder, not in the
# clone: another path would make Cargo build RocksDB again.
set -euo pipefail
cache=${TAPCLEAR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tapclear}/libclang

say() { printf 'setup: %s\n' "$*" >&2; }

# The library itself: `libclang.so`, `libclang-14.so.1`; not `libclang-cpp.so`, another one.
holds_libclang() {
    local file
    for file in "$1"/libclang.so* "$1"/libclang-[0-9]*.so*; do
        [ -r "$file" ] && return 0
    done
    return 1
}

found() {
    local lib=$1 headers
    printf 'export LIBCLANG_PATH=%q\n' "$lib"
    # A library that comes without its builtin headers (stddef.h …) borrows the C compiler's; so does an unpacked one, which
    # looks for them where its package would have put them.
    if [ -n "${BINDGEN_EXTRA_CLANG_ARGS:-}" ]; then
        printf 'export BINDGEN_EXTRA_CLANG_ARGS=%q\n' "$BINDGEN_EXTRA_CLANG_ARGS"
    elif [[ $lib == "$cache"/* ]] || ! compgen -G "$lib/clang/*/include/stddef.h" >/dev/null; then
        headers=$(gcc -print-file-name=include)
        [ -r "$headers/stddef.h" ] || { say "gcc has no stddef.h at $headers"; exit 1; }
        printf 'export BINDGEN_EXTRA_CLANG_ARGS=%q\n' "-I$headers"
    fi
    # Unpacked packages bring libraries that the loader does not know.
    case $lib in
    "$cache"/debs/*) printf 'export LD_LIBRARY_PATH=%q\n' "$lib:$cache/debs/usr/lib/$(gcc -print-multiarch)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" ;;
    esac
    exit 0
}

look() {
    local dir
    for dir in "$@"; do
        if [ -d "$dir" ] && holds_libclang "$dir"; then found "$dir"; fi
    done
}

if [ -n "${LIBCLANG_PATH:-}" ]; then
    # It may name the file or its folder.
    if [ -f "$LIBCLANG_PATH" ]; then found "$(dirname "$LIBCLANG_PATH")"; fi
    look "$LIBCLANG_PATH"
    say "LIBCLANG_PATH is set, but there is no libclang in $LIBCLANG_PATH; looking elsewhere"
fi

look "$cache/wheel/clang/native"
look "$cache"/debs/usr/lib/llvm-*/lib
mapfile -t system < <(compgen -G '/usr/lib/llvm-*/lib' | sort -rV || true)
mapfile -t known < <(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | sed -nE 's|.* => (/.*)/libclang(-[0-9]+)?\.so[^/]*$|\1|p' || true)
look "${system[@]}" "${known[@]}" /usr/lib64 /usr/lib
if python=$(python3 -c 'import os, clang; print(os.path.join(os.path.dirname(clang.__file__), "native"))' 2>/dev/null); then look "$python"; fi

if python3 -m pip --version >/dev/null 2>&1; then
    say "getting libclang with pip into $cache/wheel"
    rm -rf "$cache/wheel"
    if python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$cache/wheel" libclang >&2; then
        look "$cache/wheel/clang/native"
    fi
fi
if command -v apt-get >/dev/null; then
    if [ "$(id -u)" = 0 ]; then
        say "getting libclang with apt-get"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq libclang-dev; } >&2 || true
        mapfile -t system < <(compgen -G '/usr/lib/llvm-*/lib' | sort -rV || true)
        look "${system[@]}"
    fi
    say "getting Debian's libclang without root into $cache/debs"
    rm -rf "$cache/debs"
    if "$(dirname "$0")/debs.sh" "$cache/debs" libclang1; then look "$cache"/debs/usr/lib/llvm-*/lib; fi
fi

say "no libclang found, and no way to get it here (pip and apt-get were tried)."
say "Install it (Debian, Ubuntu: libclang-dev; Fedora: clang-devel) or set LIBCLANG_PATH to the folder that holds libclang.so."
exit 1
