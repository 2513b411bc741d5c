# Two commands on a fresh machine with Python 3.11+: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DEMO ?= runs/demo

.PHONY: demo test lint bench docs consumers clean

$(BIN)/psyloom: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(BIN)/pytest: $(BIN)/psyloom
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(BIN)/psyloom  ## a writer and a self-play system over bundled cases, without a model
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	@for system in cactus interactive_agents; do \
	  $(BIN)/psyloom cases $$system > $(DEMO)/$$system.jsonl && \
	  $(BIN)/psyloom run $$system $(DEMO)/$$system.jsonl --out $(DEMO)/$$system || exit 1; done
	@$(BIN)/psyloom show $(DEMO)/interactive_agents ia-zh-1
	@$(BIN)/psyloom show $(DEMO)/cactus cactus-en-1
	@echo "report: $(abspath $(DEMO))/interactive_agents/report.html"

test: $(BIN)/pytest  ## the whole test suite
	$(BIN)/python -m pytest

lint: $(BIN)/pytest  ## style, types, and the one-way floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(BIN)/pytest  ## what psyloom costs on top of the network
	$(BIN)/python bench/orchestration.py --quick
	$(BIN)/python bench/formats.py

docs: $(BIN)/pytest  ## regenerate tables and pictures after a card, a phrase or a provider changed
	$(BIN)/python docs/tables.py
	$(BIN)/python docs/picture.py

consumers: $(BIN)/pytest  ## load every export in the tool it is for; installs large packages
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[consumers]'
	$(BIN)/python -m pytest tests/consumers

clean:
	rm -rf $(VENV) runs build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
