# The two commands of this project are `make demo` and `make test`; both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := PIP_CONSTRAINT=constraints.txt $(BIN)/pip --disable-pip-version-check -qq install

.PHONY: demo test lint determinism spec mutants cuts lab zoo bench pictures clean

demo: $(VENV)/.installed
	@$(BIN)/python -m tools.demo

test: $(VENV)/.installed-dev
	@$(BIN)/python -m tools.pythons
	@$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

determinism: $(VENV)/.installed
	@$(BIN)/python -m tools.pythons
	@$(BIN)/python -m tools.determinism scenarios

spec: $(VENV)/.installed-dev
	@$(BIN)/python -m tools.spec

mutants: $(VENV)/.installed-dev
	@$(BIN)/python -m tools.mutants

cuts: $(VENV)/.installed
	@$(BIN)/offhook cuts scenarios/first-boot-option-160.toml --depth 2 --jobs 2 --no-store

lab: $(VENV)/.installed-dev
	@$(BIN)/python -m tools.lab

zoo: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.zoo --keep

bench: $(VENV)/.installed
	@$(BIN)/python -m tools.bench

pictures: $(VENV)/.installed-dev
	@OFFHOOK_PICTURES=1 $(BIN)/python -m pytest tests/tools/test_page_in_browser.py -k picture

clean:
	rm -rf $(VENV) .venv-3.* build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "offhook needs Python 3.11 or later; name one: make PYTHON=python3.11" >&2; exit 1; }
	@echo "making the virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	@echo "installing offhook with pinned versions ..."
	@$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing the test tools ..."
	@$(PIP) -e '.[dev]'
	@touch $@
