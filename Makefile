# Needs Python 3.11 or newer, and make. Each target makes .venv for itself, and installs into it
# what it needs; that takes a minute or two the first time, and again only when pyproject.toml
# changes. Another interpreter: make PYTHON=python3.12 test. Arguments for pytest:
# make test PYTEST_ADDOPTS="-k router". WORKERS=0 runs the tests in one process.

PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
OLDEST := .venv-oldest
BIN := $(VENV)/bin
# one environment at a time: named after its interpreter, so that another PYTHON makes it anew
MADE := $(VENV)/.made-with-$(subst /,-,$(PYTHON))
# every warning ends the build, once all are shown
SPHINX = MPLBACKEND=agg $(BIN)/python -m sphinx -W --keep-going -b html
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable

# TensorFlow reports at start-up that it found no GPU; below 3 it calls that an error
export TF_CPP_MIN_LOG_LEVEL ?= 3

.DEFAULT_GOAL := help
.PHONY: help demo test test-oldest fuzz faults bench docs docs-check lint format build clean
.NOTPARALLEL:

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s%s\n", $$1, $$2}'

demo: $(VENV)/.installed  ## Run the quickstart: a search over merge modes on pictures with captions
	$(BIN)/python examples/quickstart.py

test: $(VENV)/.installed-test  ## Run the tests, and the examples in the docstrings
	$(BIN)/python -m pytest -n $(WORKERS)

faults: $(VENV)/.installed-test  ## Run the tests of faults with the long ones: 500 fits, killed workers
	$(BIN)/python -m pytest -m 'long or not long' -s --durations=10 tests/test_faults.py tests/test_parallel.py

# in an environment of its own, which is kept: the lower bounds in pyproject.toml are what it has
test-oldest: $(OLDEST)/.installed  ## Run the tests with the oldest requirements, on Python 3.11
	$(OLDEST)/bin/python -m pytest -n $(WORKERS)

fuzz: $(VENV)/.installed-test  ## Try properties on some 20,000 drawn cases, five minutes or more
	SKMERGE_FUZZ=long $(BIN)/python -m pytest tests/fuzz

bench: $(VENV)/.installed  ## Measure speed beside other libraries, into docs/speed.md
	$(BIN)/python benchmarks/speed.py --write

docs: $(VENV)/.installed-docs  ## Build the pages into docs/_build, and run the examples for them
	$(SPHINX) docs docs/_build

docs-check: $(VENV)/.installed-docs  ## Build the pages without running the examples
	$(SPHINX) -D plot_gallery=0 docs docs/_build/without-plots

lint: $(VENV)/.installed-lint  ## Check style, layout, docstrings and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python .ci/check_docstrings.py
	$(BIN)/mypy

format: $(VENV)/.installed-lint  ## Lay out the code and mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

build: $(VENV)/.installed-build  ## Build the sdist and the wheel into dist/, and check them
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python .ci/check_dist.py dist

clean:  ## Remove the environments, what was built, and the caches
	rm -rf $(VENV) $(OLDEST) dist docs/_build docs/auto_examples docs/generated docs/sg_execution_times.rst
	rm -rf .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "skmerge needs Python 3.11 or newer, but '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one, for example: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	@touch $@

# an environment holds the project and the extras asked for so far
$(VENV)/.installed: $(MADE) pyproject.toml
	@echo "Installing skmerge into $(VENV), a minute or two ..."
	$(INSTALL) .
	@touch $@

$(VENV)/.installed-%: $(MADE) pyproject.toml
	@echo "Installing skmerge and its requirements for '$*' into $(VENV), a minute or two ..."
	$(INSTALL) '.[$*]'
	@touch $(VENV)/.installed $@

$(OLDEST)/.installed: pyproject.toml .ci/lower_bounds.py
	$(PYTHON) .ci/lower_bounds.py test >/dev/null
	rm -rf $(OLDEST)
	$(PYTHON) -m venv $(OLDEST)
	$(PYTHON) .ci/lower_bounds.py test >$(OLDEST)/constraints.txt
	@echo "Installing skmerge and its oldest requirements into $(OLDEST), a minute or two ..."
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check \
	  --constraint $(OLDEST)/constraints.txt --editable '.[test]'
	@touch $@
