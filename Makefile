# Needs Python >= 3.11 (with venv) and make; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash

.PHONY: nightly test test-slow lint types dev ui portal screenshots figures bench requirements clean

nightly: .venv/run.stamp
	$(BIN)/botilbud demo
	$(BIN)/botilbud nightly

test: .venv/dev.stamp
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-slow: .venv/dev.stamp
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev.stamp
	$(BIN)/mypy

dev: .venv/run.stamp
	mkdir -p var/dagster
	$(BIN)/dagster dev

# What `make nightly` made, on http://127.0.0.1:3000; nothing can be started or changed from there.
ui: .venv/run.stamp
	mkdir -p var/dagster
	$(BIN)/dagster-webserver --read-only --host 127.0.0.1 --port 3000

portal: .venv/run.stamp
	$(BIN)/botilbud portal

# The pictures of docs/lineage.md; needs the system's chromium.
screenshots: .venv/dev.stamp
	$(BIN)/python -m tools.screenshots

# The figures of README, of demonstration data.
figures: .venv/run.stamp
	$(BIN)/python -m tools.figures

bench: .venv/dev.stamp
	$(BIN)/python bench/nightly.py
	$(BIN)/python bench/reading.py
	$(BIN)/python bench/benchmark_step.py
	$(BIN)/python bench/statistics_coverage.py
	$(BIN)/python bench/disclosure.py --runs 3
	$(BIN)/python bench/downloads.py
	$(BIN)/python bench/management_information.py
	$(BIN)/python bench/reports.py

# Pins what pyproject.toml allows, with hashes; run after a dependency is added or is to be renewed.
requirements: .venv/dev.stamp
	$(BIN)/python -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --extra build --output-file requirements.txt pyproject.toml
	$(BIN)/python -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --extra build --extra dev --extra s3 --constraint requirements.txt \
		--output-file requirements-dev.txt pyproject.toml

clean:
	rm -rf .venv var .mypy_cache .ruff_cache .hypothesis *.egg-info

# One recipe for both environments: create, install what is pinned, then the project itself without asking an index again.
define install
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $(1)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(2)
endef

.venv/run.stamp: requirements.txt pyproject.toml
	$(call install,requirements.txt,.venv/run.stamp)

.venv/dev.stamp: requirements-dev.txt pyproject.toml
	$(call install,requirements-dev.txt,.venv/dev.stamp)
	touch .venv/run.stamp
