# `make help` lists the targets. Everything is built in .venv/ below this folder and in temporary folders.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# With this variable set, every start of Beam would compile it anew: 10 s instead of 2.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed

help: ## This list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

install: $(STAMP) ## The environment in .venv/, from the hash-locked requirements

$(STAMP): requirements-dev.lock pyproject.toml setup.py
	$(PYTHON) -m venv .venv
	"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: install ## Loads the files of examples/ into a DuckDB database, and queries it
	@"$(BIN)/python" examples/demo.py

test: install ## Every test, with the slowest named; servers are started and stopped by the tests
	"$(BIN)/python" -m pytest $(PYTEST_ARGS)

check: install ## Linter, formatter, types, generated files
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"
	"$(BIN)/python" -m pipelines.template_metadata
	git diff --exit-code -- templates README.md

format: install ## Formats the code
	"$(BIN)/ruff" check --fix-only .
	"$(BIN)/ruff" format .

bench: install ## Speed and memory beside the peers, in one run
	"$(BIN)/python" benchmarks/ingest.py $(BENCH_ARGS)

templates: install ## Writes templates/*.json and the option tables of README.md from the settings
	"$(BIN)/python" -m pipelines.template_metadata

lock: install ## Resolves the requirements anew and writes both lock files
	"$(BIN)/uv" pip compile --quiet pyproject.toml --all-extras --generate-hashes --no-emit-index-url --no-header -o requirements-dev.lock
	"$(BIN)/uv" pip compile --quiet pyproject.toml --extra aws --extra gcp --generate-hashes --no-emit-index-url --no-header -c <(grep -oE '^[A-Za-z0-9_.-]+==[^ ]+' requirements-dev.lock) -o requirements.lock

clean: ## Removes what make and the tests made
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help install demo test check format bench templates lock clean
