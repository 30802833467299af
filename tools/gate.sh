#!/usr/bin/env bash
# The gate: every check in turn, each of which must pass; then how many tests passed, failed and were skipped.
# Everything is built in the release profile, the one that demo and benchmarks use: RocksDB compiles once.
set -uo pipefail
cd "$(dirname "$0")/.."
log=.setup/gate.log
failed=()
: >"$log"

step() {
    local name=$1 start=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    if "$@" 2>&1 | tee -a "$log"; then
        printf '== %s: ok, %s s\n' "$name" "$((SECONDS - start))"
    else
        printf '== %s: FAILED, %s s\n' "$name" "$((SECONDS - start))"
        failed+=("$name")
    fi
}

deny() {
    local bin
    bin=$(tools/cargo_tool.sh cargo-deny) || return 1
    "$bin/cargo-deny" --locked --workspace check --hide-inclusion-graph bans licenses sources
}

fuzz=(--manifest-path fuzz/Cargo.toml)
step 'format' cargo fmt --all --check
step 'format of fuzz' cargo fmt "${fuzz[@]}" --check
step 'lints' cargo clippy --release --locked --workspace --all-targets -- -D warnings
step 'lints of fuzz' cargo clippy --release --locked "${fuzz[@]}" --all-targets -- -D warnings
step 'documentation' env RUSTDOCFLAGS='-D warnings' cargo doc --release --locked --workspace --no-deps
step 'dependencies' deny
step 'planted bugs apply' tools/planted.sh --check
# What a passing test prints is shown, because a test that cannot run here says so: `skipped: why`.
step 'tests' cargo test --release --locked --workspace --no-fail-fast -- --show-output
step 'fuzz bodies over their corpus' cargo test --release --locked "${fuzz[@]}" --no-fail-fast -- --show-output

printf '\n'
python3 tools/test_summary.py "$log" "${failed[@]}"
