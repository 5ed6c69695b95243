# make demo: train, evaluate, count, export and verify a network. make test: run all checks.
# make docs: run the notebooks and build the site. All three create .venv from the lock files.
# make page: fetch the JavaScript of kerasnets report. make wheel: build the package with it.
PYTHON ?= $(shell sh scripts/find_python.sh)
VENV   := .venv
BIN    := $(VENV)/bin
PAGE   := kerasnets/report/page/vendor/ort-wasm-simd-threaded.wasm.gz

.PHONY: demo test pytest page wheel docs notebooks versions check lint types format hooks lock clean

demo: $(VENV)/.demo $(PAGE)
	$(BIN)/python scripts/demo.py

# Types are checked at the same time, because that keeps one core busy.
test: $(VENV)/.dev $(PAGE) lint
	$(MAKE) --no-print-directory --jobs 2 types pytest

pytest: $(VENV)/.dev $(PAGE)
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: test

page:
	$(PYTHON) scripts/fetch_page.py

wheel: page $(VENV)/.dev
	$(BIN)/python -m hatchling build -t wheel

# Everything but kerasnets report works without npm.
$(PAGE): kerasnets/report/page/vendor.json
	@if command -v npm > /dev/null; then $(PYTHON) scripts/fetch_page.py && touch $@; \
	  else echo "npm is not installed, so kerasnets report does not work. Install npm and run make page."; fi

# The site is written to site/. A link to nowhere, a missing name or an error in a notebook is an error.
docs: $(VENV)/.dev
	$(BIN)/python scripts/notebooks.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# Save the outputs of the notebooks.
notebooks: $(VENV)/.dev
	$(BIN)/python scripts/notebooks.py --write

# The tests with each supported version of Keras; takes several times as long as make test.
versions: $(VENV)/.dev
	$(BIN)/python scripts/keras_versions.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

hooks: $(VENV)/.dev
	$(BIN)/pre-commit install

lock: $(VENV)/.dev
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --extra dev --extra docs pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  -c requirements-dev.lock pyproject.toml build-requirements.in -o requirements.lock

clean:
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache

# Remove a partly created environment, for example if venv is not installed. Otherwise the next run would use it.
$(VENV)/bin/python:
	@test -n "$(PYTHON)"
	$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

# The lock files name every dependency. Without --no-deps, pip refuses a package that another one asks for with an extra,
# such as pydantic[email], because the lock files name it without.
$(VENV)/.demo: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.demo
