# Every target sets up what it needs. PYTHON picks the interpreter (3.11 or newer) that makes the virtual environment.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.setup
NATIVE := $(VENV)/.native
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find rust_core -name '*.rs' -o -name Cargo.toml | grep -v /fuzz/)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# pip runs maturin, which it must find in the same environment.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

$(SETUP): pyproject.toml constraints.txt
	@echo "Setting up $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tradewire needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	@command -v cargo >/dev/null || { echo "tradewire needs Rust (cargo) to build its core: see https://rustup.rs"; exit 1; }
	@$(BIN)/pip install --quiet --constraint constraints.txt 'maturin>=1.9.4,<2'
	@echo "Installing the packages and building the native core (release) ..."
	@$(BIN)/pip install --quiet --constraint constraints.txt --no-build-isolation --editable '.[dev]'
	@touch $(SETUP) $(NATIVE)

$(NATIVE): $(SETUP) $(RUST_SOURCES)
	@echo "Building the native core (release) ..."
	@$(BIN)/maturin develop --release --quiet --skip-install 2>/dev/null || $(BIN)/maturin develop --release --quiet
	@touch $(NATIVE)

.PHONY: build
build: $(NATIVE) ## Make .venv with the package and its native core

.PHONY: demo
demo: build ## Simulated venue, live gateway, terminal view
	@$(BIN)/tradewire demo

.PHONY: test
test: build ## All tests, on the native core, then on the pure one
	TRADEWIRE_CORE=native $(BIN)/python -m pytest
	TRADEWIRE_CORE=pure $(BIN)/python -m pytest
	cargo test --workspace --quiet

.PHONY: format
format: build ## Format the sources
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet . || true
	cargo fmt --all

.PHONY: lint
lint: build ## Formatting, lints, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings

.PHONY: types
types: build ## mypy --strict and stubtest
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest tradewire.core._native --mypy-config-file pyproject.toml --allowlist tests/typing/stubtest_allowlist.txt

.PHONY: clean
clean: ## Remove what was built
	rm -rf $(VENV) target dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
