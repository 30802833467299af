# Everything that is done to tapclear, by name. `make demo` and `make test` need the Rust toolchain, gcc, make and Python,
# and get the rest by themselves.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:

# The folder that holds transit-day/ (the comparison job) and data/ (real records).
SHARED ?= ../shared
# Tests run in the folders of their crates: a relative path would be another one in each.
override SHARED := $(abspath $(SHARED))
# bench-peers: how many records, how often, and from which seed; WITHOUT, where it is set, is a patch, and tapclear with it
# stands in the peers' place.
RECORDS ?= 10000000
RUNS ?= 3
SEED ?= 20260302
# faults: calls of a day at which the disk fails, pairs of a fault and one in its recovery, kills, power losses, levels to
# which the disk is full, damages to files. FAULT_SEED, where it is set, is the seed of all.
POINTS ?= all
PAIRS ?= 2000
KILLS ?= 500
POWER ?= 200
LEVELS ?= 50
CORRUPTIONS ?= 2000
# proofs: sealed days, lines proved, and proofs that are changed and must be refused, for each suite.
PROOF_DAYS ?= 31
PROOF_LINES ?= 10000
PROOF_MUTANTS ?= 100000
# simulate: how many seeds, from SEED on.
SEEDS ?= 2000
# test-full: seconds for each fuzz target, cases for each property.
FUZZ_SECONDS ?= 600
CASES ?= 20000

export SHARED RECORDS RUNS SEED WITHOUT FUZZ_SECONDS CASES

# What setup found: paths that the build of RocksDB needs.
ENV := . .setup/env.sh &&

.PHONY: help setup build demo test test-full faults simulate planted proofs mutants fuzz bench bench-peers fmt clean

help:
	@echo "make demo          generate a day, clear it, show what happened (DEMO_ARGS='--lang zh')"
	@echo "make test          the gate: format, lints, docs, dependencies, all tests, fuzz bodies over their corpus"
	@echo "make test-full     the gate, then faults, long properties, fuzzing and mutants: hours"
	@echo "make faults        days under failing disks and kills (POINTS, PAIRS, KILLS, POWER, LEVELS, CORRUPTIONS, FAULT_SEED): an hour or two; a short form is in the gate"
	@echo "make proofs        a month of sealed days, proved and forged (PROOF_DAYS, PROOF_LINES, PROOF_MUTANTS); a short form is in the gate"
	@echo "make simulate      worlds that dice make, on a disk in memory (SEEDS=2000, SEED: the first): minutes; a short form is in the gate"
	@echo "make planted       bugs kept as patches, each of which the test that it names must find (BUGS: only these)"
	@echo "make bench         the price fold, a late record, the stages of taking in, beside yardsticks (ONLY: those with this word in their name)"
	@echo "make bench-peers   the transit day beside Polars and DuckDB (RECORDS, RUNS, SEED, SHARED), or beside itself WITHOUT=benches/without-chain.patch"
	@echo "make build fmt clean"

setup:
	@mkdir -p .setup
	@tools/cxx.sh >.setup/env.sh.new
	@tools/libclang.sh >>.setup/env.sh.new
	@mv .setup/env.sh.new .setup/env.sh

build: setup
	@$(ENV) cargo build --release

demo: setup
	@$(ENV) cargo run --release --quiet -- demo $(DEMO_ARGS)

test: setup
	@$(ENV) tools/gate.sh

test-full: test faults
	@$(ENV) tools/gate_full.sh properties fuzz mutants

# One test at a time: they share the machine's memory disk and its processors.
faults: setup
	@$(ENV) FAULT_POINTS=$(POINTS) FAULT_PAIRS=$(PAIRS) FAULT_KILLS=$(KILLS) FAULT_POWER=$(POWER) FAULT_LEVELS=$(LEVELS) \
		FAULT_CORRUPTIONS=$(CORRUPTIONS) \
		cargo test --release --locked --test clearing faults -- --nocapture --test-threads 1

proofs: setup
	@$(ENV) PROOF_DAYS=$(PROOF_DAYS) PROOF_LINES=$(PROOF_LINES) PROOF_MUTANTS=$(PROOF_MUTANTS) \
		cargo test --release --locked --test clearing proofs -- --nocapture

simulate: setup
	@$(ENV) SIMULATE_SEEDS=$(SEEDS) SIMULATE_SEED=$(SEED) \
		cargo test --release --locked --test clearing simulation -- --nocapture --test-threads 1

planted: setup
	@$(ENV) tools/planted.sh $(BUGS)

fuzz mutants: setup
	@$(ENV) tools/gate_full.sh $@

bench: setup
	@$(ENV) cargo bench --profile release -p engine --bench price --bench late -- $(ONLY)
	@$(ENV) cargo bench --profile release --bench stages -- $(ONLY)

bench-peers: setup
	@$(ENV) tools/bench_peers.sh

fmt:
	@cargo fmt --all
	@cargo fmt --manifest-path fuzz/Cargo.toml

# The demo's folder and what setup found; the target folder is Cargo's (`cargo clean`).
clean:
	@rm -rf .setup demo demo-*
