# Everything runs in .venv, which the first target makes from pyproject.toml and constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := bbo surrogates acquisitions benchmarks docs examples tests

.PHONY: help install demo test test-slow lint format docs bench clean
.DELETE_ON_ERROR:

help:
	@echo "make demo       tune a real model on real data, and write demo-report.html"
	@echo "make test       the quick gate"
	@echo "make test-slow  the full counts"
	@echo "make lint       ruff and mypy"
	@echo "make format     let ruff rewrite what it can"
	@echo "make docs       the documentation, into site/"
	@echo "make bench      regret and seconds beside other libraries: SUITE=quick (a quarter of an hour) or visible (hours)"
	@echo "make clean      remove what the other targets made, the environment too"

install: $(READY)

# torch comes first and pinned: left to the resolver, a newer build with gigabytes of GPU libraries may be fetched.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bbo needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $$(grep '^torch==' constraints.txt)
	$(BIN)/pip install --quiet -c constraints.txt --editable '.[dev]'
	@touch $@

demo: $(READY)
	$(BIN)/python examples/demo.py

# One thread each: the processes share the cores, and threads that wait for each other cost a third more time.
test: $(READY)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

lint: $(READY)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

SUITE ?= quick
SEEDS ?= 2
OPTIMIZERS ?= bbo random optuna_gp optuna_tpe cma_es nevergrad
RESULTS ?= .bench/results/$(SUITE).jsonl

# Run again, it goes on where it was cut off. HEBO and Vizier: `python benchmarks/environments.py` and OPTIMIZERS="...".
bench: $(READY)
	$(BIN)/python benchmarks/environments.py main
	$(BIN)/python -m benchmarks.run --suite $(SUITE) --seeds $(SEEDS) --optimizers $(OPTIMIZERS) --results $(RESULTS)
	$(BIN)/python -m benchmarks.report $(RESULTS)

clean:
	rm -rf $(VENV) site build dist runs demo-report.html demo.db demo.db-wal demo.db-shm .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(SOURCES) -name __pycache__ -prune -exec rm -rf {} +
