#!/usr/bin/env bash
# What takes too long for the gate. usage: tools/gate_full.sh properties|fuzz|mutants…
set -euo pipefail
cd "$(dirname "$0")/.."

properties() {
    printf '== properties, %s cases each\n' "$CASES"
    PROPTEST_CASES=$CASES cargo test --release --locked --workspace -- --show-output
}

# Every target for FUZZ_SECONDS from its corpus; what is found new goes to a folder beside the build, not into the clone.
fuzz() {
    local bin target work
    bin=$(tools/cargo_tool.sh cargo-fuzz)
    work=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
    rustup toolchain list | grep -q '^nightly' || { echo "error: fuzzing needs Rust's nightly toolchain (rustup toolchain install nightly)" >&2; return 1; }
    for target in csv json capture mapping scheme; do
        printf '== fuzz %s, %s s\n' "$target" "$FUZZ_SECONDS"
        mkdir -p "$work/corpus/$target"
        PATH=$bin:$PATH CARGO_TARGET_DIR=$work/build cargo +nightly fuzz run "$target" "$work/corpus/$target" "fuzz/corpus/$target" -- \
            -max_total_time="$FUZZ_SECONDS" -timeout=20 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1
    done
}

# Changes the code of the money crates, one place at a time; a change that no test notices is listed as missed.
mutants() {
    local bin
    bin=$(tools/cargo_tool.sh cargo-mutants)
    printf '== mutants of domain and engine\n'
    mkdir -p .setup/mutants
    # Exit 2: some were missed, which the report says; the list is judged by a person.
    PATH=$bin:$PATH CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/mutants \
        cargo mutants --package domain --package engine --output .setup/mutants --timeout-multiplier 3 --no-shuffle ${MUTANTS_ARGS:-} || [ $? = 2 ]
    wc -l .setup/mutants/mutants.out/{caught,missed,timeout,unviable}.txt
}

for part in "$@"; do "$part"; done
