# The door to everything: `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# A target directory outside the checkout may be kept between runs: CARGO_TARGET_DIR.
TARGET := $(or $(CARGO_TARGET_DIR),target)
DATA ?= data
ARGS ?=
# CI adds a configuration: --config .ci/cargo.toml. It stands behind the subcommand, as others do: cargo forgets one that
# stands before it.
CONFIG ?=

.PHONY: help run build console test test-build test-console test-rust test-guests language-guests sim lint lint-format fmt bench scenarios guests setup fuzz memory survive price hostile clean

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

run: ## build everything needed and serve on 127.0.0.1 (DATA=dir, ARGS="--set key=value")
	@scripts/setup.sh run
	@$(MAKE) --no-print-directory build
	exec $(TARGET)/debug/tandem serve --data $(DATA) $(ARGS)

# The whole workspace at once, here and in the tests: cargo then builds each dependency once, with one set of features.
build: scenarios console ## build the binary
	cargo build $(CONFIG) --workspace --locked

# Of the workspace, though it is one package: its dependencies then have the features that the others want of them, too.
scenarios: ## build the stock scenarios and the tests' guests into components
	@scripts/setup.sh build
	cargo build $(CONFIG) --workspace --bin guest-build --locked
	$(TARGET)/debug/guest-build

console: ## build the console's files, which the binary has in it
	@scripts/setup.sh build
	@scripts/console.sh

guests: scenarios ## build the tests' guests in TypeScript and Python too
	scripts/language-guests.sh

language-guests:
	@scripts/language-guests.sh

test: ## everything that CI runs: lint, unit tests, whole-system tests with real phones
	@scripts/setup.sh test
	@scripts/console.sh tests/browser
	@$(MAKE) --no-print-directory -j2 scenarios console
	@$(MAKE) --no-print-directory -j2 language-guests test-build
	@$(MAKE) --no-print-directory lint-format test-rust test-guests test-console

# `cargo test` builds the server too: building it before would build much of it twice, as features differ. It lints
# libraries and programs as it builds them; `make lint` does tests, examples and benches too.
LINTED = --config 'build.rustc-workspace-wrapper="$(CURDIR)/scripts/clippy-rustc.sh"'

# Most tests wait for phones that talk: three programs of three tests each keep two cores busy.
TEST_JOBS ?= 3
TESTED = --workspace --locked --lib --bins --tests
test-build:
	cargo test $(CONFIG) $(LINTED) $(TESTED) --no-run

test-rust: test-build
	@scripts/warm-tests.sh
	@cargo test $(CONFIG) $(LINTED) $(TESTED) --no-run --quiet --message-format=json \
		| RUST_TEST_THREADS=$${RUST_TEST_THREADS:-3} scripts/run-tests.py $(TEST_JOBS)
	cargo test $(CONFIG) $(LINTED) --workspace --locked --doc --quiet

test-guests:
	cd scenarios && cargo test --quiet --locked --features flow/schema

test-console:
	cd admin-ui && npm test

SEED ?=

sim: scenarios ## 100,000 random worlds in virtual time (SEED=n: one, with its trace)
	cargo build --workspace --examples --locked
	$(TARGET)/debug/examples/sim $(if $(SEED),--seed $(SEED)) $(ARGS)

lint: scenarios lint-format ## formatting and clippy
	cargo clippy --workspace --all-targets --locked -- -D warnings

# By name: the SDK is a package of another folder, and what tests compile as a tenant would is formatted as it is.
SCENARIOS_OF_OURS = -p callback -p callback-watch -p crm -p entry -p flow -p hours -p hunt -p line -p mailbox \
	-p onward -p pattern -p recorder -p reminder -p reminder-watch -p ring-group -p voicemail -p tandem-sdk
GUESTS_OF_OURS = -p calls -p giants -p panics -p phone -p services -p web

lint-format:
	cargo fmt --all --check
	cd scenarios && cargo fmt $(SCENARIOS_OF_OURS) --check
	cd tests/guests && cargo fmt $(GUESTS_OF_OURS) --check

fmt: ## format everything
	cargo fmt --all
	cd scenarios && cargo fmt $(SCENARIOS_OF_OURS)
	cd tests/guests && cargo fmt $(GUESTS_OF_OURS)

# All results of one run lie in one folder, whichever workspace they come from; short, so that it takes minutes.
BENCH_TARGET = $(abspath $(TARGET))
BENCH_ARGS = --warm-up-time 1 --measurement-time 3 --output-format bencher

bench: export CRITERION_HOME = $(BENCH_TARGET)/criterion
bench: guests ## every benchmark, then one table
	rm -rf $(BENCH_TARGET)/criterion
	cargo bench --workspace --profile dev --locked --bench '*' -- $(BENCH_ARGS)
	cd benches/sip-peers && CARGO_TARGET_DIR=$(BENCH_TARGET)/sip-peers cargo bench --locked --bench parse -- $(BENCH_ARGS)
	@scripts/bench-table.sh $(BENCH_TARGET)

memory: build ## resident bytes per registered user and per call, and CPU time per call minute
	cargo build --workspace --examples --locked
	$(TARGET)/debug/examples/memory

survive: build ## calls lost, steps wrong, gaps and time to recover while the call logic is killed again and again
	cargo build --workspace --examples --locked
	$(TARGET)/debug/examples/survive --calls 200 --kills 100
	$(TARGET)/debug/examples/survive --calls 2000 --kills 5 --dwell-ms 2000-10000

price: build ## what surviving costs: CPU and calls a second with each kind of journal, time to recover by open calls
	cargo build --workspace --examples --locked
	$(TARGET)/debug/examples/price --open ""
	$(TARGET)/debug/examples/price --durability ""

hostile: build ## what a neighbour notices of modules that mean harm: post-dial delay, lost frames
	cargo build --workspace --examples --locked
	$(TARGET)/debug/examples/hostile

fuzz: ## fuzz the parsers of outside bytes, a minute each (needs cargo-fuzz and a nightly compiler)
	cd fuzz && for t in $$(cargo fuzz list); do cargo fuzz run $$t -- -max_total_time=60; done

clean: ## remove what was built
	cargo clean
	rm -rf scenarios/target scenarios/dist tests/guests/dist admin-ui/dist
