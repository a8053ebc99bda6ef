# make demo    everything set up, the demo's films made, the service running: addresses at the end
# make test    every check and every test, with the set-up they need
# make help    the rest

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.stamps
UV     := $(BIN)/uv

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench clean locks ui prove-film-to-box prove-carriage prove-encoding prove-members

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

setup: $(STAMP)/run $(STAMP)/ui ## all that the program needs to run, in .venv and ui/dist

demo: setup ## the service running with films that the project makes: addresses at the end (Ctrl-C ends it)
	@$(BIN)/matinee demo

test: setup $(STAMP)/dev ## lint, types, import rule, and every test
	@scripts/test

lint: $(STAMP)/dev ## what `make test` checks before it runs a test
	@scripts/lint

bench: setup $(STAMP)/dev ## speed and memory in one table, but for what takes long: python -m bench NAME
	@$(BIN)/python -m bench

prove-film-to-box: setup $(STAMP)/dev ## every claim of "from a film file to the box's screen", with its figure and verdict
	@scripts/prove-film-to-box

prove-carriage: setup $(STAMP)/dev ## every claim of "who may see what, and why", with its figure and verdict
	@scripts/prove-carriage

prove-encoding: setup $(STAMP)/dev ## every claim of "encoding that competes", with its figure and verdict
	@scripts/prove-encoding

prove-members: setup $(STAMP)/dev ## every claim of "homes: sign-in, plans, money, rights at play", with its figure and verdict
	@scripts/prove-members

ui: $(STAMP)/ui ## build the screens

clean: ## take away what was built; the data folder stays
	rm -rf $(VENV) ui/node_modules ui/dist build src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

locks: $(STAMP)/dev ## renew the dependency locks: hashes, and no host named
	@scripts/lock

$(STAMP)/venv: locks/setup.txt
	@scripts/need-venv $(PYTHON)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setup: the installer"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r locks/setup.txt
	@mkdir -p $(STAMP) && touch $@

$(STAMP)/run: $(STAMP)/venv locks/run.txt pyproject.toml
	@echo "setup: the program's libraries, ffmpeg and the packager (a few hundred megabytes the first time)"
	@$(UV) pip install -q --python $(BIN)/python --require-hashes -r locks/run.txt
	@$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(STAMP)/dev: $(STAMP)/run locks/dev.txt
	@echo "setup: what the tests need"
	@$(UV) pip install -q --python $(BIN)/python --require-hashes -r locks/dev.txt
	@touch $@

$(STAMP)/ui: $(STAMP)/venv scripts/build-ui ui/package.json ui/package-lock.json $(shell find ui/src ui/public ui/*.html ui/*.ts -type f 2>/dev/null)
	@scripts/build-ui
	@touch $@
