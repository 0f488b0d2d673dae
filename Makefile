# The two commands of the README, and what else is done often. `make up ARGS="--domain relay.example.org"` passes options.
PYTHON ?= python3
PIP = .venv/bin/python -m pip --quiet --disable-pip-version-check
ARGS ?=
# The whole suite mostly waits, so three run side by side, file by file. With ARGS it is one: `make test ARGS=tests/wire`.
WHOLE = --numprocesses 3 --dist loadfile --no-loadscope-reorder

.PHONY: up test check lint bench peers clean

up: .venv/relay
	.venv/bin/angarium up $(ARGS)

test: .venv/tests lint
	sh tests/needs.sh
	.venv/bin/pytest $(or $(ARGS),$(WHOLE))

check: .venv/relay
	.venv/bin/angarium check $(ARGS)

lint: .venv/tests
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench: .venv/tests
	.venv/bin/python bench/latency.py $(ARGS)

peers: .venv/tests
	sh tests/needs.sh
	.venv/bin/python -m bench.peers.run $(ARGS)

clean:
	rm -rf .venv .cache .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/relay: pyproject.toml | .venv/bin/python
	$(PIP) install -e '.[check,speed]'
	touch $@

.venv/tests: pyproject.toml | .venv/bin/python
	$(PIP) install -e '.[check,speed,test]'
	touch $@ .venv/relay
