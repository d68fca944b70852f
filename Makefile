# Every target sets up what it needs. PYTHON picks the interpreter (3.11 or newer) that makes the virtual environment.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS ?= benches/peers/venvs
SETUP := $(VENV)/.setup
NATIVE := $(VENV)/.native
RUST_SOURCES := Cargo.toml $(shell find rust_core -name fuzz -prune -o \( -name '*.rs' -o -name Cargo.toml \) -print)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# pip runs maturin, which it must find in the same environment.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

$(SETUP): pyproject.toml constraints.txt
	@command -v cargo >/dev/null || { echo "tradewire needs Rust (cargo) to build its core: see https://rustup.rs"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tradewire needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; name one with PYTHON=...")'
	@test -x $(BIN)/python || { echo "Making $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/pip install --quiet --constraint constraints.txt 'maturin>=1.9.4,<2'
	@touch $(SETUP)

$(NATIVE): $(SETUP) $(RUST_SOURCES)
	@echo "Installing the packages and building the native core (about two minutes the first time) ..."
	@# Maturin's banner comes in spite of --quiet.
	@out=$$(PIP_QUIET=2 PIP_CONSTRAINT=constraints.txt $(BIN)/maturin develop --release --locked --quiet --extras dev 2>&1) || { echo "$$out"; exit 1; }
	@touch $(NATIVE)

.PHONY: build
build: $(NATIVE) ## Make .venv with the package and its native core

.PHONY: demo
demo: build ## Two simulated venues, live gateway, terminal view
	@$(BIN)/tradewire demo

.PHONY: test
test: build ## All tests: on the native core, on the pure one, and the Rust tests
	@$(TWO_AT_A_TIME) test-native test-pure test-rust

.PHONY: quick
quick: build ## For every edit: format, lint, types, native tests but for campaigns and whole venues (make test has all)
	@$(TWO_AT_A_TIME) format-check ruff types test-rooms test-contract

.PHONY: test-rooms
test-rooms: build
	TRADEWIRE_CORE=native $(BIN)/python -m pytest tests/unit --ignore=tests/unit/sim --ignore=tests/unit/transport --ignore=tests/unit/config --ignore=tests/unit/cli/test_demo.py

.PHONY: test-contract
test-contract: build
	TRADEWIRE_CORE=native $(BIN)/python -m pytest tests/parity tests/venues tests/docs tests/architecture tests/unit/sim tests/unit/transport tests/unit/config tests/unit/cli/test_demo.py

.PHONY: test-native
test-native: build ## The Python tests on the native core, and those that need none
	TRADEWIRE_CORE=native $(BIN)/python -m pytest

.PHONY: test-pure
test-pure: build ## The Python tests on the pure core
	TRADEWIRE_CORE=pure $(BIN)/python -m pytest -m 'not any_core'

.PHONY: test-rust
test-rust: ## The Rust tests
	cargo test --workspace --locked --quiet

# Two targets at a time; what one prints comes in one piece when it is done, and the first that fails ends the run.
TWO_AT_A_TIME = $(MAKE) --no-print-directory -j2 --output-sync=target ONE_BUILD=1
CHECKS := format-check ruff clippy types test-native test-pure test-rust loom bench-check records fuzz wheel-test foreign

.PHONY: check
check: data build ## Everything that must hold before a change lands
	@echo "Two at a time: $(CHECKS)"
	@$(TWO_AT_A_TIME) $(CHECKS)
	@echo "make check: all passed"

# They share cargo's build folder: side by side they would only wait for each other. Cargo schedules by itself, and warns
# of a make that it cannot ask.
ifdef ONE_BUILD
unexport MAKEFLAGS MFLAGS
test-rust: | $(filter clippy,$(MAKECMDGOALS))
bench-check: | test-rust
records: | bench-check
wheel: | records
endif

.PHONY: data
data: # The recorded frames must be there, or be declared absent.
	@test "$${TRADEWIRE_DATA:-}" = none -o -d "$${TRADEWIRE_DATA:-../shared/data}" || \
	  { echo "recorded data not found at $${TRADEWIRE_DATA:-../shared/data}: point TRADEWIRE_DATA at it, or set TRADEWIRE_DATA=none"; exit 1; }

.PHONY: format
format: build ## Format the sources
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cargo fmt --all

.PHONY: format-check
format-check: build
	$(BIN)/ruff format --check .
	cargo fmt --all --check

.PHONY: ruff
ruff: build
	$(BIN)/ruff check .
	$(BIN)/lint-imports

.PHONY: lint
lint: format-check ruff clippy ## Formatting, lints, import layers, clippy

.PHONY: clippy
clippy:
	cargo clippy --workspace --all-targets --locked --quiet -- -D warnings

.PHONY: types
types: build ## mypy --strict and stubtest
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest tradewire.core._native --mypy-config-file pyproject.toml --allowlist tests/typing/stubtest_allowlist.txt

.PHONY: loom
loom: ## Model checking of the ring and the limiter
	CARGO_TARGET_DIR=target/loom RUSTFLAGS="--cfg loom" CARGO_PROFILE_RELEASE_LTO=off cargo test --release --locked --quiet -p tradewire-core --test loom_ring --test loom_limiter

.PHONY: records
records: ## 10^8 records between two threads: none lost, none reordered
	# Only this crate is optimised: its dependencies are those of test-rust and need no second build.
	cargo test --config 'profile.dev.package.tradewire-core.opt-level=3' --locked --quiet -p tradewire-core --lib -- --ignored

.PHONY: valgrind
valgrind: ## Memory checker over the ring's tests; needs valgrind, so it is no part of check
	@command -v valgrind >/dev/null || { echo "valgrind is not installed: the package of that name has it"; exit 1; }
	# The test no_memory measures what is resident, which is valgrind's own there.
	PROPTEST_CASES=20 cargo test --config "target.'cfg(unix)'.runner='valgrind -q --error-exitcode=9'" --locked --quiet -p tradewire-core --lib -- ring:: --skip no_memory --test-threads=1

# What is kept goes into docs/reference/reliability.md. ONLY chooses: make campaigns ONLY='row19 or row20'
ONLY ?=
CAMPAIGNS := tests/campaigns tests/faults
ROWS := row-09 row-10 row-11 row-12 row-15 row-16 row-19 row-20 row-21 row-22
.PHONY: campaigns
campaigns: build ## The reliability campaigns at full length (one of them: make row-09 ... row-22); figures go to the docs
	mkdir -p target && rm -f target/campaigns.jsonl
	TRADEWIRE_CAMPAIGN=long TRADEWIRE_CAMPAIGN_RESULTS=target/campaigns.jsonl TRADEWIRE_CORE=native \
	  $(BIN)/python -m pytest $(CAMPAIGNS) --timeout 1800 -k '$(ONLY)'
	$(BIN)/python docs/keep_campaigns.py target/campaigns.jsonl
	$(BIN)/python docs/generate.py

.PHONY: $(ROWS)
$(ROWS): row-%:
	@$(MAKE) --no-print-directory campaigns ONLY=row$*

SOAK_SECONDS ?= 600
.PHONY: soak
soak: ## One process, 200 symbols, 50,000 messages/s for SOAK_SECONDS (600): no loss, flat memory
	TRADEWIRE_SOAK_SECONDS=$(SOAK_SECONDS) $(MAKE) --no-print-directory campaigns ONLY=soak

FUZZ_SECONDS ?= 20
.PHONY: fuzz
fuzz: ## Fuzz wire, decoder and numbers, FUZZ_SECONDS (20) each
	rust_core/fuzz/run.sh $(FUZZ_SECONDS)

.PHONY: wheel
wheel: build ## Build a wheel into dist/
	rm -rf dist
	$(BIN)/maturin build --release --locked --quiet --out dist
	@ls dist/*.whl

.PHONY: wheel-test
wheel-test: wheel ## Install the wheel into an empty environment and use it there
	$(BIN)/python -m pytest tests/installed --timeout 300

.PHONY: peers
peers: ## Install the peers and build the C floors for the benchmarks
	benches/peers/setup.sh $(PEERS) $(PYTHON)

.PHONY: bench
bench: build peers ## Native, pure, peers, floors and Rust in one run; regenerates the README table (10 to 15 minutes)
	$(BIN)/python benches/run.py --peers $(PEERS)

.PHONY: bench-quick
bench-quick: build peers ## Only our cores, msgspec and the floors (4 minutes)
	$(BIN)/python benches/run.py --peers $(PEERS) --quick

.PHONY: bench-check
bench-check: build ## The benchmarks run and their answers are right (no timing)
	$(BIN)/python -m pytest benches/python --benchmark-disable
	cargo test --benches --workspace --locked --quiet

.PHONY: docs
docs: build ## Regenerate the reference pages
	$(BIN)/python docs/generate.py

FOREIGN := .venv-foreign
.PHONY: foreign
foreign: build ## Other people's clients against the simulated venue
	@test -e $(FOREIGN)/.ready-alpaca || { echo "Installing ccxt, python-binance and alpaca-py into $(FOREIGN) ..."; $(PYTHON) -m venv $(FOREIGN); \
	  $(FOREIGN)/bin/pip install --quiet 'ccxt>=4.5.90,<5' 'python-binance>=1.0.37,<2' 'alpaca-py>=0.44,<1'; touch $(FOREIGN)/.ready-alpaca; }
	$(BIN)/python -m pytest tests/integration/test_foreign_clients.py -s

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf $(VENV) .venv-foreign target dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .tools rust_core/fuzz/target
