#!/usr/bin/env bash
# The transit day by Polars, DuckDB and tapclear, in turn, and a check of tapclear's answer.
# RECORDS, RUNS, SEED, SHARED, WITHOUT: see the Makefile. The folder of the data is BENCH_DIR, on a real disk.
set -euo pipefail
cd "$(dirname "$0")/.."
job=$(cd "$SHARED/transit-day" && pwd)
cache=${TAPCLEAR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tapclear}
dir=${BENCH_DIR:-$cache/bench}/transit-day-$RECORDS-$SEED
mkdir -p "$dir"

peers='import numpy, pyarrow, duckdb, polars'
if ! python3 -c "$peers" 2>/dev/null; then
    export PYTHONPATH=$cache/peers${PYTHONPATH:+:$PYTHONPATH}
    if ! python3 -c "$peers" 2>/dev/null; then
        python3 -m pip --version >/dev/null 2>&1 || { echo "error: the peers come with pip, which this Python lacks (Debian: apt-get install python3-pip)" >&2; exit 1; }
        echo "setup: getting numpy, pyarrow, duckdb and polars into $cache/peers" >&2
        python3 -m pip install --quiet --disable-pip-version-check --target "$cache/peers" numpy pyarrow duckdb polars
    fi
fi

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
tapclear=$CARGO_TARGET_DIR/release/tapclear
if [ -n "${WITHOUT:-}" ]; then
    root=$PWD tree=$CARGO_TARGET_DIR/without
    git worktree remove --force "$tree" 2>/dev/null || true
    git worktree add --quiet --detach "$tree" HEAD
    trap 'git -C "$root" worktree remove --force "$tree"' EXIT
    git -C "$tree" apply "$root/$WITHOUT"
    (cd "$tree" && cargo build --release --locked)
    cp "$tapclear" "$tapclear-without"
fi
cargo build --release --locked

if [ ! -e "$dir/done" ]; then
    echo "setup: generating $RECORDS records with seed $SEED in $dir" >&2
    python3 "$job/generate.py" "$RECORDS" "$dir" "$SEED" >/dev/null
    touch "$dir/done"
fi

# The tariff's station matrix depends on the seed: the scheme is copied and given the generator's.
rm -rf "$dir/scheme"
cp -r replay-data/transit-day "$dir/scheme"
cp "$dir/fares.csv" "$dir/scheme/tariff/fares.csv"

case $RECORDS-$SEED in
1000000-20260302) reference=$job/reference-1m.json ;;
10000000-20260302) reference=$job/reference-10m.json ;;
*)
    reference=$dir/reference.json
    if [ ! -e "$reference" ]; then
        echo "setup: the slow reference works out the answer for these records" >&2
        python3 "$job/reference.py" "$dir" "$reference.new" >/dev/null && mv "$reference.new" "$reference"
    fi
    ;;
esac

clear() {
    printf '%q ' "$1" clear --scheme "$dir/scheme" --map "$dir/scheme/map.toml" --ledger "$dir/ledger" --out "$dir/out" --day 2026-03-02 --json "$dir/day.csv"
}
if [ -n "${WITHOUT:-}" ]; then
    others=("without=$(clear "$tapclear-without") >'$dir/without.json'")
else
    others=("polars=python3 '$job/peer_polars.py' '$dir' csv '$dir/polars' '$dir/polars.json'"
        "duckdb=python3 '$job/peer_duckdb.py' '$dir' csv '$dir/duckdb' '$dir/duckdb.json'")
fi
python3 "$job/measure.py" "$RECORDS" "$RUNS" --fresh "$dir/ledger" --fresh "$dir/out" --fresh "$dir/polars" --fresh "$dir/duckdb" \
    "${others[@]}" "tapclear=$(clear "$tapclear") >'$dir/result.json'"
printf 'tapclear is '
python3 "$job/check.py" "$reference" "$dir/out" "$dir/result.json"
