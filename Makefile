# make demo, make test: see README.md. Needs python3 (3.11 or later) and make; everything else is set up here.

PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint check-template check-drift build test-artifact bench lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(VENV)/.package ## Create .venv with hash-pinned dependencies

demo: setup ## Run the main job end to end on the embedded AWS
	$(BIN)/phone-vault demo

test: setup ## Run the tests; for some of them: make test PYTEST_ARGS="tests/unit -x"
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope $(PYTEST_ARGS)

lint: setup ## ruff, mypy, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

check-template: setup $(BIN)/sam $(BIN)/checkov ## Check the templates with sam, cfn-lint, checkov, parliament
	$(BIN)/python -m pytest tests/infrastructure -m ""

check-drift: setup ## Fail when the requirement files no longer follow from pyproject.toml
	.ci/lock --check

build: setup $(BIN)/sam ## Build what is deployed into .aws-sam (needs python3.13)
	.ci/build

test-artifact: setup $(BIN)/sam $(VENV)-runtime/.requirements ## Build, then let the artifact answer events as in Lambda (needs python3.13)
	$(BIN)/python -m pytest -m artifact $(PYTEST_ARGS)

bench: setup ## Measure cold start, numbering and a rotation against their baselines, and what the time of an answer tells
	$(BIN)/python -m tests.benchmarks.cold_start
	$(BIN)/python -m tests.benchmarks.numbering 5
	$(BIN)/python -m tests.benchmarks.timing
	$(BIN)/python -m tests.benchmarks.rotation 500 2000

lock: setup ## Write the requirement files again; to take newer releases: make lock LOCK_ARGS=--upgrade
	.ci/lock $(LOCK_ARGS)

clean: ## Remove what was set up and built
	rm -rf $(VENV) $(VENV)-* .aws-sam .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist
	find functions tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps inside each virtual environment make a second set-up instant.

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Phone Vault needs Python 3.11 or later; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." \
		"Name another one: make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { echo "'$(PYTHON)' cannot make virtual environments: install its venv package (Debian: python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.requirements: $(VENV)/.created tests/requirements.txt
	$(BIN)/python $(PIP_INSTALL) --require-hashes --no-deps -r tests/requirements.txt
	@touch $@

$(VENV)/.package: $(VENV)/.requirements pyproject.toml
	$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

# Tools that conflict with what we ship live in environments of their own, linked into .venv/bin.

$(BIN)/sam: | $(VENV)-sam/.requirements
	ln -sf ../../$(VENV)-sam/bin/sam $@

$(BIN)/checkov: | $(VENV)-checkov/.requirements
	ln -sf ../../$(VENV)-checkov/bin/checkov $@

$(VENV)-runtime/.requirements: tests/requirements-runtime.txt
	$$(.ci/runtime-python) -m venv --clear $(VENV)-runtime
	$(VENV)-runtime/bin/python $(PIP_INSTALL) --require-hashes --no-deps -r $<
	@touch $@

$(VENV)-%/.requirements: tests/requirements-%.txt | $(VENV)/.created
	$(BIN)/python -m venv --clear $(VENV)-$*
	$(VENV)-$*/bin/python $(PIP_INSTALL) --require-hashes --no-deps -r $<
	@touch $@
