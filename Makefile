# Easel. `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PASTURE := tests/peers/pasture
CLIENTS := tests/clients
PIP := $(BIN)/pip install --disable-pip-version-check --quiet --progress-bar on -c constraints.txt
ONCE ?=
# Tests wait for other processes a good part of their time.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); echo $$((n < 3 ? n + 1 : 4)))
PORTS ?=
export PIP_REQUIRE_VIRTUALENV := true
# Where this is set, each start reads all of Easel from its sources again, which takes a second.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-15s %s\n", $$1, $$2 }'

.PHONY: demo
demo: $(VENV)/.installed ## Two servers here: one paints and posts a picture, the other receives it. ONCE=1 checks and ends.
	@$(BIN)/python -m fedi.demo $(if $(ONCE),--once) $(if $(PORTS),--ports $(PORTS))

.PHONY: run
run: $(VENV)/.installed config.toml ## Start one server for real use, from config.toml.
	@$(BIN)/easel serve

.PHONY: doctor
doctor: $(VENV)/.installed ## Look at the settings, the database, the address, the card and the model.
	@$(BIN)/easel doctor

.PHONY: test
test: $(VENV)/.installed-test $(PASTURE)/.venv/.installed $(CLIENTS)/.venv/.installed ## Run all tests.
	@echo "Running all tests"
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(PYTEST)

.PHONY: lint
lint: $(VENV)/.installed-test ## ruff, mypy --strict, import-linter.
	@echo "Checking style" && $(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "Checking types" && $(BIN)/mypy
	@echo "Checking the arrows" && $(BIN)/lint-imports --no-logo

.PHONY: format
format: $(VENV)/.installed-test ## Lay the code out.
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

.PHONY: bench
bench: $(VENV)/.installed-test ## Measure, print a table, write bench/results.json.
	@OMP_NUM_THREADS=1 $(BIN)/python -m bench

.PHONY: soak
soak: $(VENV)/.installed-test ## Ten minutes among honest servers and hostile ones. SECONDS=60 for less.
	@OMP_NUM_THREADS=1 $(BIN)/python -m bench.soak

.PHONY: config-example
config-example: $(VENV)/.installed ## Write config.example.toml from fedi/settings/.
	@$(BIN)/python -c "from fedi.settings import render_example; print(render_example(), end='')" > config.example.toml

.PHONY: migration
migration: $(VENV)/.installed ## Write a migration from the tables: make migration NUMBER=0002 MESSAGE="Add lists"
	@$(BIN)/python -m fedi.database.migrations.revise $(NUMBER) "$(MESSAGE)"

.PHONY: clean
clean: ## Remove what was built here; settings, data and pictures stay.
	@rm -rf $(VENV) $(PASTURE)/.venv $(CLIENTS)/.venv build demo *.egg-info .pytest_cache .mypy_cache .ruff_cache

config.toml:
	@cp config.example.toml $@
	@echo "Made config.toml from config.example.toml"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Easel needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv is missing: on Debian and Ubuntu, apt install python3-venv"; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Easel and what it needs (with torch: a few minutes the first time)"
	@$(PIP) setuptools
	@$(PIP) --no-build-isolation -e '.[paint]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo "Installing what the tests need"
	@$(PIP) --no-build-isolation -e '.[paint,test]'
	@touch $@

$(PASTURE)/.venv/.installed: $(PASTURE)/requirements.txt
	@echo "Installing fediverse-pasture, which has an environment of its own"
	@$(PYTHON) -m venv $(PASTURE)/.venv
	@$(PASTURE)/.venv/bin/pip install --disable-pip-version-check --quiet --progress-bar on -r $<
	@touch $@

$(CLIENTS)/.venv/.installed: $(CLIENTS)/requirements.txt
	@echo "Installing Mastodon clients and Schemathesis, which have an environment of their own"
	@$(PYTHON) -m venv $(CLIENTS)/.venv
	@$(CLIENTS)/.venv/bin/pip install --disable-pip-version-check --quiet --progress-bar on -r $<
	@touch $@
