# The commands of this project. Each sets up what it needs, in .venv beside this file.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/pytest -n auto --dist worksteal --durations 20
export PYTHONDONTWRITEBYTECODE := # the processes that run tests share what one of them has compiled

.PHONY: serve demo test test-rest test-all fuzz lint type check bench format clean

serve: .venv/cli     ## Serve on http://127.0.0.1:8000 (HOST and PORT change that)
	$(BIN)/paperwire serve

demo: .venv/cli      ## The same with a built-in week of invented papers: no internet needed
	$(BIN)/paperwire serve --sample

test: .venv/dev      ## The daily tests: all kinds of cases, one of each, in a few minutes
	$(PYTEST) --dist loadfile --no-loadscope-reorder -m "not slow"

test-rest: .venv/dev ## What `make test` leaves out: whole matrices, killed processes, laws on many more examples
	LAWS=thorough $(PYTEST) -m "slow or hypothesis"

test-all: .venv/dev  ## All tests
	LAWS=thorough $(PYTEST)

fuzz: .venv/dev      ## Laws on a thousand examples; what strangers may try, kills and load in full number: for a night
	LAWS=nightly $(PYTEST) -m hypothesis --timeout 3600
	FULL=1 LAWS=thorough $(PYTEST) tests/api/test_fuzz.py tests/api/test_abuse.py tests/api/test_load.py tests/jobs/test_kill_catch_up.py \
	  tests/jobs/test_robbed.py

lint: .venv/dev      ## Style, and the directions of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache

type: .venv/dev      ## Types, strictly
	$(BIN)/mypy

check: lint type test

bench: .venv/dev     ## What the claims about speed rest on
	$(BIN)/python -m benchmarks

format: .venv/dev    ## Put the code into the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:               ## Remove what the commands above made, but not the store
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

.venv/pip:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

.venv/cli: .venv/pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[cli]'
	touch $@

.venv/dev: .venv/cli
	$(BIN)/python -m pip install --quiet --group dev
	touch $@
