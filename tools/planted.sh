#!/usr/bin/env bash
# Bugs kept as patches (tests/planted): each is applied alone in a scratch worktree, where the test that it names must fail.
# usage: tools/planted.sh [--check] [NAME…]     --check: only that every patch still applies here
set -euo pipefail
cd "$(dirname "$0")/.."

check=
[ "${1:-}" = --check ] && { check=1; shift; }
patches=("${@/#/tests/planted/}")
if [ $# -gt 0 ]; then patches=("${patches[@]/%/.patch}"); else patches=(tests/planted/*.patch); fi

for patch in "${patches[@]}"; do
    git apply --check "$patch" || { echo "error: $patch does not apply any more" >&2; exit 1; }
    sed -n 2p "$patch" | grep -q '^test: ' || { echo "error: $patch names no test" >&2; exit 1; }
done
git apply --check benches/without-chain.patch || { echo "error: benches/without-chain.patch does not apply any more" >&2; exit 1; }
echo "${#patches[@]} planted bugs apply"
[ -n "$check" ] && exit 0

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
# Built quickly rather than fast: only crates of this workspace, so that RocksDB is not compiled again.
export CARGO_INCREMENTAL=1
# What only a rare fault shows takes more days than the gate's.
export SIMULATE_SEEDS=${SIMULATE_SEEDS:-2000}
quick=()
for crate in domain engine ledger settlement tapclear; do
    quick+=(--config "profile.release.package.$crate.opt-level=1" --config "profile.release.package.$crate.codegen-units=16")
done
root=$PWD tree=$CARGO_TARGET_DIR/planted
git worktree remove --force "$tree" 2>/dev/null || true
git worktree add --quiet --detach "$tree" HEAD
trap 'git -C "$root" worktree remove --force "$tree"' EXIT

missed=0
for patch in "${patches[@]}"; do
    name=$(basename "$patch" .patch)
    read -ra test < <(sed -n '2s/^test: //p' "$patch")
    git -C "$tree" checkout --quiet -- .
    git -C "$tree" apply "$root/$patch"
    # The filter comes last: cargo's own arguments stand before it.
    if ! (cd "$tree" && cargo test --release --locked "${quick[@]}" "${test[@]}" --no-run) >"$CARGO_TARGET_DIR/planted.log" 2>&1; then
        echo "$name: does not build"
        missed=$((missed + 1))
    elif (cd "$tree" && cargo test --release --locked "${quick[@]}" "${test[@]}") >"$CARGO_TARGET_DIR/planted.log" 2>&1; then
        echo "$name: NOT FOUND"
        missed=$((missed + 1))
    else
        echo "$name: found"
    fi
done
echo "$((${#patches[@]} - missed)) of ${#patches[@]} planted bugs found"
[ "$missed" = 0 ]
