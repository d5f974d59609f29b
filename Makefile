# One verb a target. `make demo` and `make test` set everything up by themselves.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   ?= .ci/locked
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SPREAD := --numprocesses auto --dist loadfile --no-loadscope-reorder

export PYTHONDONTWRITEBYTECODE :=  # programs are started so often here that to compile them each time is half the work

.PHONY: default demo test style format types unit gate cover docs bench torture attack fuzz lock release sim clean

default: test

$(VENV)/.user: pyproject.toml $(LOCK)/user.txt    ## what a user needs
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bulkmail needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	@echo 'Installing bulkmail into $(VENV), which takes a minute where packages have to be fetched ...'
	$(PIP) --require-hashes --requirement $(LOCK)/user.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed: $(VENV)/.user $(LOCK)/tests.txt    ## and what its tests need
	@echo 'Installing what the tests need ...'
	$(PIP) --require-hashes --requirement $(LOCK)/tests.txt
	@touch $@

demo: $(VENV)/.user    ## the main job, on the embedded tenant
	$(BIN)/bulkmail demo --directory demo

test: style     ## what must hold before a commit; `make gate` has the long tests as well
	@$(MAKE) --no-print-directory --jobs 2 types unit

style: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.installed
	$(BIN)/mypy

unit: $(VENV)/.installed
	$(BIN)/pytest $(SPREAD) -m 'not long' $(TESTS)

gate: $(VENV)/.installed    ## all tests, and how much of the code they reach
	$(BIN)/pytest $(SPREAD) --cov --cov-report=
	$(BIN)/coverage report --include='bulkmail/core/*,bulkmail/transport/*,bulkmail/rundir/*' --precision=2 --fail-under=100
	$(BIN)/coverage report --show-missing --skip-covered

cover: $(VENV)/.installed   ## with five times as many examples of each property
	$(BIN)/pytest $(SPREAD) --cov --cov-report=term-missing --hypothesis-profile thorough

docs: $(VENV)/.installed     ## the tables of the documentation, made from the declarations
	$(BIN)/python -m bulkmail.docs

bench: $(VENV)/.installed    ## figures; ONLY="latency faults" for some of them
	$(BIN)/python -m tests.bench $(ONLY)

torture: $(VENV)/.installed    ## KILLS=1000, and ARGS such as "seams --task mail.send-draft"
	$(BIN)/python -m tests.torture --kills $(or $(KILLS),1000) $(ARGS)

attack: $(VENV)/.installed    ## the hostile servers, files and folders
	$(BIN)/pytest $(SPREAD) tests/hostile tests/identity/test_canary.py

fuzz: $(VENV)/.installed    ## MINUTES=60; goes on where the last one ended
	$(BIN)/python -m tests.hostile.fuzz $(or $(MINUTES),10)

# The newest versions that fit, and the lowest ones that are allowed, with the digests of their files.
COMPILE := uv pip compile --quiet --upgrade --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
           --no-annotate pyproject.toml .ci/build.in --extra speed
lock:    ## the files in .ci/locked and .ci/lowest, made anew
	$(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	.venv-lock/bin/$(COMPILE) --universal --output-file .ci/locked/user.txt
	.venv-lock/bin/$(COMPILE) --universal --extra dev --output-file .ci/locked/tests.txt
	.venv-lock/bin/$(COMPILE) --extra cluster --resolution lowest-direct --output-file .ci/lowest/user.txt
	.venv-lock/bin/$(COMPILE) --extra cluster --extra dev --constraint .ci/lowest/user.txt --output-file .ci/lowest/tests.txt

release:    ## dist/: the wheel, twice the same; what it is made of; and a try in a clean environment
	bash .ci/release

sim: $(VENV)/.user
	$(BIN)/bulkmail sim

clean:
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov dist demo
