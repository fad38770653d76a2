# Everything a machine with Python, make and a package index needs. `make help` lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# Tests wait half of the time, for servers and for processes that they kill: twice as many as there are processors.
WORKERS ?= $(shell expr 2 \* $$(nproc))
READY := .venv/.ready
UV_VERSION := 0.13.9
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
# Modules compiled once, at set-up, whatever the environment says: a command then starts in a second or two instead of five.
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE
LOCALE := monitor/console/locale
DIGESTS := monitor/digest/locale

.PHONY: help demo test soak lint types bench docs messages deb lock clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(READY): pyproject.toml uv.lock
	@echo "Setting up .venv (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@$(BIN)/uv sync --quiet --frozen --all-extras --all-groups
	@touch $@

demo: $(READY)  ## A fictional brand's bad day, through the real daemon, in under a minute
	@$(BIN)/tocsin demo

test: $(READY)  ## The whole test suite; tests that need a server that is not there say so and skip
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

soak: $(READY)  ## The long tier of the fault suite: a thousand kills, an hour of load
	@$(BIN)/python -m pytest -m soak --timeout=0 -o faulthandler_timeout=0 tests
	@$(BIN)/python -m bench.soak --minutes 60 --chart soak.svg

lint: $(READY)  ## Ruff, formatting and the directions of import
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: $(READY)  ## mypy, strict
	@$(BIN)/mypy

bench: $(READY)  ## Every figure that the documentation quotes
	@$(BIN)/python -m bench

docs: $(READY)  ## Generate docs/reference from the models
	@$(BIN)/python docs/generate.py

messages: $(READY)  ## Bring the catalogues of the console and of digests up to date; what is new in it is left for you to translate
	@$(BIN)/pybabel -q extract -F babel.cfg --no-location -o $(LOCALE)/console.pot monitor/console
	@$(BIN)/pybabel -q update -D console -l fr -i $(LOCALE)/console.pot -d $(LOCALE) -N -w 130 --ignore-obsolete --omit-header
	@rm $(LOCALE)/console.pot
	@$(BIN)/pybabel -q extract -F babel.cfg --no-location -k say -o $(DIGESTS)/digest.pot monitor/digest
	@$(BIN)/pybabel -q update -D digest -l fr -i $(DIGESTS)/digest.pot -d $(DIGESTS) -N -w 130 --ignore-obsolete --omit-header
	@rm $(DIGESTS)/digest.pot

deb: $(READY)  ## A Debian package for the Debian it is built on, in dist/
	@packaging/debian/build dist

lock:  ## Choose dependency versions anew
	@$(BIN)/uv lock --upgrade

clean:  ## Remove what was built
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov dist
