#!/usr/bin/env bash
# Makes sure that there is a C++ compiler, which RocksDB is built with; prints `export` lines where one had to be unpacked.
set -euo pipefail
cache=${TAPCLEAR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tapclear}/cxx

say() { printf 'setup: %s\n' "$*" >&2; }

compiles() {
    local out status=0
    out=$(mktemp)
    "$@" -std=c++20 -x c++ - -o "$out" <<<'#include <string>
int main(int count, char**) { return int(std::string(count, 0).size()) - count; }' 2>/dev/null || status=1
    rm -f "$out"
    return "$status"
}

unpacked() {
    local version lib
    version=$(gcc -dumpversion | cut -d. -f1)
    lib=$cache/usr/lib/gcc/$(gcc -dumpmachine)/$version
    [ -x "$cache/bin/c++" ] && LIBRARY_PATH=$lib compiles "$cache/bin/c++" || return 1
    printf 'export CXX=%q\n' "$cache/bin/c++"
    # Where the linker finds libstdc++.
    printf 'export LIBRARY_PATH=%q\n' "$lib${LIBRARY_PATH:+:$LIBRARY_PATH}"
}

for tool in gcc python3 cargo; do
    command -v "$tool" >/dev/null || { say "$tool is missing: the build needs the Rust toolchain, gcc, make and Python"; exit 1; }
done
if [ -n "${CXX:-}" ]; then
    # shellcheck disable=SC2086  # CXX may hold arguments
    compiles $CXX || { say "CXX is set to $CXX, which does not compile C++20"; exit 1; }
    printf 'export CXX=%q\n' "$CXX"
    exit 0
fi
if command -v c++ >/dev/null && compiles c++; then exit 0; fi
if unpacked; then exit 0; fi

if command -v apt-get >/dev/null; then
    version=$(gcc -dumpversion | cut -d. -f1)
    if [ "$(id -u)" = 0 ]; then
        say "getting a C++ compiler with apt-get"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq g++; } >&2 || true
        if command -v c++ >/dev/null && compiles c++; then exit 0; fi
    else
        say "getting Debian's g++-$version without root into $cache"
        rm -rf "$cache"
        if "$(dirname "$0")/debs.sh" "$cache" "g++-$version" "libstdc++-$version-dev"; then
            machine=$(gcc -dumpmachine)
            mkdir -p "$cache/bin"
            # The compiler proper and its headers are the unpacked ones; everything else is what gcc has.
            cat >"$cache/bin/c++" <<WRAPPER
#!/bin/sh
exec gcc -B"$cache/usr/lib/gcc/$machine/$version/" -isystem "$cache/usr/include/c++/$version" -isystem "$cache/usr/include/$machine/c++/$version" -isystem "$cache/usr/include/c++/$version/backward" "\$@" -lstdc++ -lm
WRAPPER
            chmod +x "$cache/bin/c++"
            if unpacked; then exit 0; fi
        fi
    fi
fi

say "RocksDB is C++ and there is no C++ compiler: as root, run 'apt-get install g++' (Fedora: gcc-c++), or set CXX."
exit 1
