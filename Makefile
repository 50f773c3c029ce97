# `make help` lists the targets. What each needs is set up first, in milliseconds once it is there.
PYTHON ?= python3
VENV := $(or $(GEOSERVICES_VENV),.venv)
UV := build/uv

.DEFAULT_GOAL := help
.PHONY: help demo run test check setup screens format lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Set up and play the story, then go on serving (ARGS="--once --json")
	@$(PYTHON) -m local.bootstrap
	@$(VENV)/bin/python -m local demo $(ARGS)

run: ## Set up and serve, without the story
	@$(PYTHON) -m local.bootstrap
	@$(VENV)/bin/python -m local run

test: ## Set up and run every check that CI runs (ARGS="-k walk" goes to pytest)
	@$(PYTHON) -m local.bootstrap --dev
	@$(VENV)/bin/python -m local test $(ARGS)

check: test ## The same as test

setup: ## Install what is missing, with what the checks need
	@$(PYTHON) -m local.bootstrap --dev

screens: ## Set up and take a picture of every page of the web app (ARGS="--only place")
	@$(PYTHON) -m local.bootstrap --dev
	@$(VENV)/bin/python -m local.screens $(ARGS)

format: setup ## Put the code into shape
	@$(VENV)/bin/python -m local.web npm run --silent format
	@$(VENV)/bin/ruff check --fix-only --quiet .
	@$(VENV)/bin/ruff format .

lock: ## Bring the locked requirements up to date with pyproject.toml (ARGS="--upgrade")
	@$(PYTHON) -m venv $(UV) && $(UV)/bin/pip install --quiet uv
	@$(UV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		pyproject.toml --output-file requirements.txt $(ARGS)
	@$(UV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		pyproject.toml --extra dev --constraint requirements.txt --output-file requirements-dev.txt $(ARGS)

clean: ## Delete the data folder, the virtual environment and the caches
	@if [ -x $(VENV)/bin/python ]; then $(VENV)/bin/python -m local clean; fi
	@rm -rf $(VENV) build web/dist web/node_modules *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
