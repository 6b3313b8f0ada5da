# Each target sets up what it needs in .venv first; Python 3.11 to 3.13 and make are enough.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test soak lint lint-types lint-manifest format dev docs bench lock clean

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
SQL_LINTED := .venv/.sql-linted
# A module's tests stay in one process, as its fixtures are long runs; modules come in our order.
PYTEST := $(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

export DAGSTER_DISABLE_TELEMETRY := 1

help:  ## List the targets
	@echo "Order files in, customer value out. Targets:"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "make run takes LANDING, PROFILE, PROFILES_DIR, DATA_DIR, BASIS (net or gross),"
	@echo "AS_OF (2011-12-09) and ARGS (any other option of 'customer-value run'), for example:"
	@echo "  make run LANDING=\"my orders\" PROFILE=canonical BASIS=gross"

run: $(READY)  ## Load, build, check and publish; the demo shop unless LANDING=... is given
	@$(BIN)/customer-value run $${LANDING:+--landing "$$LANDING"} $${PROFILE:+--profile "$$PROFILE"} \
		$${PROFILES_DIR:+--profiles-dir "$$PROFILES_DIR"} $${DATA_DIR:+--data-dir "$$DATA_DIR"} \
		$${BASIS:+--basis "$$BASIS"} $${AS_OF:+--as-of "$$AS_OF"} $(ARGS)

# Tests start many processes; what these import is compiled once.
test soak: export PYTHONDONTWRITEBYTECODE :=

test: $(READY) lint  ## Lint, then all tests
	@$(PYTEST) $(ARGS)

# The long way: faults, concurrency, and the sensor with its daemon; an hour or more.
# SOAK_KILLS and SOAK_FILES make it shorter or longer.
soak: $(READY)  ## Faults, concurrency and the sensor at length; takes ARGS (-k sensor)
	@$(PYTEST) -rP -m soak $(ARGS)
	@EXAMPLES_TIMES=10 $(PYTEST) \
		tests/pipeline/test_properties_reference.py tests/pipeline/test_properties_invariance.py

lint: $(READY)  ## Format, style, types, SQL, and the conventions of the dbt project
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory -j 2 lint-types $(SQL_LINTED) lint-manifest

lint-types: $(READY)
	@$(BIN)/mypy

lint-manifest: $(READY)
	@$(BIN)/python -m orchestration.checks.manifest_gate

# Reading the SQL takes longer than all the rest and is done when some of it has changed.
$(SQL_LINTED): $(READY) .sqlfluff $(shell find dbt_project/models dbt_project/macros \
		dbt_project/tests dbt_project/lint -type f ! -name '*.pyc')
	@$(BIN)/sqlfluff lint --processes 2 dbt_project/models dbt_project/tests
	@touch $@

format: $(READY)  ## Put Python and SQL into the project's format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfluff fix --processes 2 dbt_project/models dbt_project/tests

dev: $(READY)  ## Open the Dagster UI on 127.0.0.1:3000; takes LANDING, PROFILE, DATA_DIR too
	@$(BIN)/customer-value dev $${LANDING:+--landing "$$LANDING"} $${PROFILE:+--profile "$$PROFILE"} \
		$${PROFILES_DIR:+--profiles-dir "$$PROFILES_DIR"} $${DATA_DIR:+--data-dir "$$DATA_DIR"} $(ARGS)

docs: $(READY)  ## Write docs/settings.md, docs/outputs.md and docs/dbt.html anew
	@$(BIN)/python -m orchestration.generated_docs

bench: $(READY)  ## Measure the pipeline against a plain pandas script
	@$(BIN)/python benchmarks/run.py $(ARGS)

# DuckDB 2.0 works here, but 1.5 readers (command line, BI tools) cannot open what it writes.
lock: $(READY)  ## Resolve the dependencies anew into requirements.lock
	@echo 'duckdb<2' > .venv/constraints.txt
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --upgrade --generate-hashes \
		--constraint .venv/constraints.txt --no-header --no-emit-index-url --quiet \
		--output-file requirements.lock

clean:  ## Remove caches and build products; data/ and .venv stay
	@rm -rf dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find orchestration tests -name __pycache__ -type d -prune -exec rm -rf {} +

# uv installs in seconds what takes pip a minute or more; without it pip does.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "Python 3.11, 3.12 or 3.13 is needed; name one with make PYTHON=python3.12"; exit 1; }
	@echo "Setting up .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8,<1'; then \
		VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes \
			--requirement requirements.lock && \
		VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --editable .; \
	else \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
			--requirement requirements.lock && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .; \
	fi
	@touch $(READY)
