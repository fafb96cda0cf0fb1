# `make help` lists the targets. Everything is built in .venv/ below this folder and in temporary folders.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# With this variable set, every start of Beam would compile it anew: 10 s instead of 2.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
TEMPLATES ?= $(patsubst templates/%.json,%,$(wildcard templates/*.json))
ENGINES := .engines
TEST_PROCESSES ?= 2
PRISM := v2.77.0
GO_PLACES = GOPATH="$(CURDIR)/$(ENGINES)/go" GOCACHE="$(CURDIR)/$(ENGINES)/go-cache" GOBIN="$(CURDIR)/$(ENGINES)/bin" GOFLAGS=-modcacherw

help: ## This list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

install: $(STAMP) ## The environment in .venv/, from the hash-locked requirements

$(STAMP): requirements-dev.lock pyproject.toml setup.py
	@echo "Installing $$(grep -c '^[a-z0-9].*==' requirements-dev.lock) packages into .venv/, some minutes, once"
	$(PYTHON) -m venv .venv
	"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: install ## Loads the files of examples/ into a DuckDB database, and queries it
	@"$(BIN)/python" examples/demo.py

test: install ## Every test, with the slowest named; servers are started and stopped by the tests
	@for engine in prism flink; do $(MAKE) --silent $$engine || true; done  # tests/engines judges what is missing
	"$(BIN)/python" -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile $(PYTEST_ARGS)

engines: prism flink ## Prism (needs Go) and Flink (needs Java and Maven) in .engines/, with their caches

prism: $(ENGINES)/prism-$(PRISM)

$(ENGINES)/prism-$(PRISM):
	@command -v go >/dev/null || { echo "no Go here to build Prism with: install Go, then run make engines"; exit 1; }
	@mkdir -p $(ENGINES)
	$(GO_PLACES) go install github.com/apache/beam/sdks/v2/go/cmd/prism@$(PRISM)
	@rm -f $(ENGINES)/prism-* && touch $@

flink: $(ENGINES)/flink-complete

$(ENGINES)/flink-complete: templates/flink/pom.xml
	@command -v mvn >/dev/null && command -v java >/dev/null || { echo "no Java and Maven here to fetch Flink with: install both, then run make engines"; exit 1; }
	@rm -rf $(ENGINES)/flink && mkdir -p $(ENGINES)
	mvn --batch-mode --quiet -f $< "-Dmaven.repo.local=$(CURDIR)/$(ENGINES)/m2" dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$(CURDIR)/$(ENGINES)/flink"
	@touch $@

check: install ## Linter, formatter, types, generated files
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"
	"$(BIN)/python" -m pipelines.template_metadata
	git diff --exit-code -- templates README.md

format: install ## Formats the code
	"$(BIN)/ruff" check --fix-only .
	"$(BIN)/ruff" format .

bench: install ## Speed and memory of ingest beside its peers, in one run
	"$(BIN)/python" benchmarks/ingest.py $(BENCH_ARGS)

bench-copy: install ## Speed and memory of copy beside its peers, in one run
	"$(BIN)/python" benchmarks/object_copy.py $(BENCH_ARGS)

templates: install ## Writes templates/*.json and the option tables of README.md from the settings
	"$(BIN)/python" -m pipelines.template_metadata

template-image: ## Builds and pushes the templates' image: make template-image IMAGE=REGION-docker.pkg.dev/P/R/hornbeam:1
	@test -n "$(IMAGE)" || { echo "give IMAGE=REGION-docker.pkg.dev/PROJECT/REPOSITORY/hornbeam:TAG" >&2; exit 2; }
	docker build -f templates/Dockerfile --build-arg IMAGE=$(IMAGE) -t $(IMAGE) .
	docker push $(IMAGE)

template-build: $(addprefix template-build-,$(TEMPLATES)) ## Writes each template's specification: IMAGE=… TEMPLATES_AT=gs://BUCKET/templates

template-build-%: templates/%.json
	@test -n "$(IMAGE)" -a -n "$(TEMPLATES_AT)" || { echo "give IMAGE=… and TEMPLATES_AT=gs://BUCKET/FOLDER" >&2; exit 2; }
	gcloud dataflow flex-template build $(TEMPLATES_AT)/$*.json --image=$(IMAGE) --sdk-language=PYTHON --metadata-file=templates/$*.json

rehearse: install ## Replays the image's Dockerfile into a folder, without Docker: make rehearse INTO=/tmp/rehearsal
	"$(BIN)/python" templates/rehearse.py $(INTO)

lock: install ## Resolves the requirements anew and writes both lock files
	"$(BIN)/uv" pip compile --quiet pyproject.toml --extra dev --extra aws --extra gcp --generate-hashes --no-emit-index-url --no-header -o requirements-dev.lock
	"$(BIN)/uv" pip compile --quiet pyproject.toml --extra aws --extra gcp --generate-hashes --no-emit-index-url --no-header -c <(grep -oE '^[A-Za-z0-9_.-]+==[^ ]+' requirements-dev.lock) -o requirements.lock

clean: ## Removes what make and the tests made
	rm -rf .venv .engines build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help install demo test engines prism flink check format bench bench-copy templates template-image template-build rehearse lock clean
