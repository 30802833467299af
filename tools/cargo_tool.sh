#!/usr/bin/env bash
# Prints the folder of a Cargo tool's program, after building it if it is not there. usage: tools/cargo_tool.sh NAME
# Tools are kept outside the clone and built without the project's flags and target folder.
set -euo pipefail
name=$1
if found=$(command -v "$name"); then
    dirname "$found"
    exit 0
fi
root=${TAPCLEAR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tapclear}/tools
if [ ! -x "$root/bin/$name" ]; then
    printf 'setup: building %s once, into %s (a few minutes)\n' "$name" "$root" >&2
    mkdir -p "$root"
    (cd "$root" && env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR="$root/build" cargo install --quiet --locked --root "$root" "$name" >&2)
    rm -rf "$root/build"
fi
printf '%s/bin\n' "$root"
