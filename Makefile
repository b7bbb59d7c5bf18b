# Two commands do it all: `make run` and `make test`. Neither needs root.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest
ML_BIND ?= 127.0.0.1:9000
MONITOR_BIND ?= 127.0.0.1:9001

.PHONY: help run test test-fast test-box test-empty-box test-lived-in-box lint format drawing lock wheel deb sbom audit train sequon mutants clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-20s%s\n", $$1, $$2 }' Makefile

run: $(VENV)/.installed ## start the ML server and the monitor; Ctrl-C ends both
	@$(BIN)/python tools/check_addresses.py $(ML_BIND) $(MONITOR_BIND)
	@mkdir -p var/log var/lib
	@echo "ML server: http://$(ML_BIND)/health    monitor: http://$(MONITOR_BIND)/health"
	@echo "health check log: var/log/health_check.log    page: http://$(MONITOR_BIND)/ (user: admin, password: in var/lib/admin_token)"
	@PYTHONUNBUFFERED=1 ML_STATE_DIR="$${ML_STATE_DIR-$(abspath var/ml)}" PATH="$(abspath $(BIN)):$$PATH" $(BIN)/honcho start

test: lint ## run every test that needs no root
	$(PYTEST) -m "not box"

test-fast: $(VENV)/.dev ## run the fast tests only
	$(PYTEST) -m "not box and not slow"

SUITE ?= bookworm
test-box: test-empty-box test-lived-in-box ## boot machines (SUITE: bookworm, trixie, noble) and try everything on them (root, debootstrap, systemd-container)

test-empty-box: $(VENV)/.dev ## the one of these two that has nothing on it yet
	BOX_SUITE=$(SUITE) $(PYTEST) -m box tests/box --ignore tests/box/lived_in

test-lived-in-box: $(VENV)/.dev ## the one that has had a site on it for years
	BOX_SUITE=$(SUITE) $(PYTEST) -m box tests/box/lived_in

lint: $(VENV)/.dev ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## mend the style where that needs no thought
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

drawing: $(VENV)/.dev ## draw the rooms from the imports into docs/ (needs graphviz)
	for package in monitor_blueprint ml_server serving; do \
	    $(BIN)/import-linter drawgraph $$package > docs/$$package.dot && tred docs/$$package.dot | dot -Tsvg -o docs/$$package.svg; \
	done

lock: $(VENV)/.dev ## lock the dependencies of pyproject.toml and examples/django, with hashes
	$(BIN)/uv pip compile $(LOCK) pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile $(LOCK) --group build -c requirements.txt -o requirements-build.txt
	$(BIN)/uv pip compile $(LOCK) pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
	$(BIN)/uv pip compile $(LOCK) pyproject.toml --group train -c requirements.txt -o requirements-train.txt
	$(BIN)/uv pip compile $(LOCK) --group mutants -c requirements-dev.txt -o requirements-mutants.txt
	$(BIN)/uv pip compile $(LOCK) -c requirements-dev.txt examples/django/requirements.in -o examples/django/requirements.txt

LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header

# The same commit gives the same bytes.
wheel deb sbom: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)

wheel: $(VENV)/.dev ## build the wheel into build/wheel/
	$(BIN)/python -m hatchling build --target wheel --directory build/wheel

deb: $(VENV)/.dev ## build the Debian package into build/deb/ (135 MB: the libraries for every supported Python are in it)
	wheels=$$($(BIN)/python -m tools.wheels build) && $(BIN)/python -m tools.deb "$$wheels" build/deb

sbom: $(VENV)/.dev ## write the bill of materials of a server into build/sbom/ (CycloneDX)
	$(BIN)/python -m tools.sbom build/sbom/neuronova.cdx.json

OSV ?= https://api.osv.dev/v1/query
audit: $(VENV)/.dev ## look for known vulnerabilities of every locked library (ends with Error 3 where that could not be found out)
	$(BIN)/python -m tools.audit $(OSV) $(wildcard requirements*.txt) examples/django/requirements.txt

train: ## rebuild the bundled model in an environment of its own
	@sh tools/check_python.sh $(PYTHON)
	$(PYTHON) -m venv build/train
	build/train/bin/pip install --quiet --require-hashes -r requirements-train.txt
	build/train/bin/python -m ml_server.training.alzheimer

sequon: $(VENV)/.dev ## make a small model of sequences in build/models/, to try them out (ML_MODEL_DIR, ML_MODEL=sequon)
	$(BIN)/python -m ml_server.training.sequon build/models/sequon/1.0.0

mutants: ## change the code in small ways and count what the tests notice (by hand: more than half an hour; then `mutmut browse`)
	@sh tools/check_python.sh $(PYTHON)
	$(PYTHON) -m venv build/mutmut
	build/mutmut/bin/pip install --quiet --require-hashes -r requirements-dev.txt -r requirements-mutants.txt
	rm -rf mutants
	CI=1 build/mutmut/bin/mutmut run --max-children 2
	build/mutmut/bin/mutmut results --all true | build/mutmut/bin/python tools/mutation_score.py

$(VENV)/.installed: requirements.txt requirements-build.txt pyproject.toml
	@sh tools/check_python.sh $(PYTHON)
	@echo "==> Making an environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "==> Installing the libraries (about half a minute, once)"
	@$(PIP) install --require-hashes -r requirements.txt -r requirements-build.txt
	@echo "==> Installing NeuroNova itself"
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.txt
	@echo "==> Installing what the tests need (about a minute, once)"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

clean: ## remove what was installed and built; var/ stays
	rm -rf $(VENV) build mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
