# Every task of the project; `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# npm in web/, with the node of .venv/ready-web.
NPM = PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix web

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick soak mutants coverage check audit bench clean lock docs web screenshots secrets

help: ## list the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.venv/ready: requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/ready-dev: .venv/ready requirements-dev.lock
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

.venv/ready-web: .venv/ready requirements-web.lock
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-web.lock
	@touch $@

.venv/ready-mutation: .venv/ready-dev requirements-mutation.lock
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-mutation.lock
	@touch $@

setup: .venv/ready-dev ## make the environment with everything for development

demo: .venv/ready ## run the whole system with embedded broker and stores (ARGS=--check: compare with what must be and end)
	@$(BIN)/python -m smartbin demo $(ARGS)

test: .venv/ready-dev api/static/index.html ## set up and run every test (ARGS="-k name", ARGS=tests/points: some)
	@$(if $(ARGS),,$(NPM) --silent test)
	@$(BIN)/python -m tools.run_tests $(ARGS)

quick: .venv/ready-dev ## run the tests that start no process: an answer in 80 s
	@$(BIN)/python -m pytest --quick -n 2 --dist worksteal $(ARGS)

soak: .venv/ready-dev api/static/index.html ## the long campaigns of docs/reliability.md: 10,000 seeds, points after 30 days, a board open for an hour
	$(BIN)/python -m tests.simulation 0 9999
	$(BIN)/python -m tests.faults 10
	SMARTBIN_TEST_POINTS_DAYS=30 $(BIN)/python -m pytest --timeout=7200 tests/e2e/test_points.py $(ARGS)
	$(BIN)/python -m tools.soak.board
	SMARTBIN_TEST_FUZZ_INPUTS=1000000 $(BIN)/python -m pytest --timeout=7200 tests/fuzz $(ARGS)
	SMARTBIN_TEST_REQUESTS=all $(BIN)/python -m pytest --timeout=7200 tests/api/test_every_request.py $(ARGS)
	SMARTBIN_TEST_CONNECTIONS=10000 $(BIN)/python -m pytest --timeout=7200 tests/broker/test_abuse.py $(ARGS)

# Without tests/compose, whose programs run in containers and are not counted.
coverage: .venv/ready-dev api/static/index.html ## run the tests and say which branches none of them took
	$(BIN)/python -m pytest -n 4 --dist worksteal --ignore tests/compose --cov --cov-report=term $(ARGS)

mutants: .venv/ready-mutation ## change the guarantee, wire, points and sorting line by line: tests must notice (ARGS="smartbin.points.*")
	SMARTBIN_TEST_SEEDS=20 $(BIN)/mutmut run --max-children 1 $(ARGS)
	$(BIN)/python -m tools.mutants

check: .venv/ready-dev web/node_modules/.package-lock.json audit ## format, lint, types, import rules, known vulnerabilities
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run --silent check

audit: .venv/ready-dev ## known vulnerabilities of what the locks name (AUDIT=required: fail where that cannot be asked)
	@$(BIN)/python -m tools.audit

bench: .venv/ready-dev ## measure the promises about speed, as ratios within one run
	$(BIN)/python -m tools.bench $(ARGS)

secrets: .venv/ready ## make every secret of a deployment in deploy/secrets (HOST="name address ...": how it is reached)
	@$(BIN)/python -m smartbin secrets $(foreach host,$(HOST),--host $(host)) $(ARGS)

web: api/static/index.html ## build the screens into api/static

screenshots: .venv/ready-dev api/static/index.html ## draw every view in its states and sizes (docs/images, var/screenshots)
	$(BIN)/python -m tools.screenshots $(ARGS)

# Their types are made from the API's description and their help from the guide: a change of these builds
# them anew.
SCREENS := docs/openapi.json smartbin/learning/dictionary.csv $(wildcard docs/zh/*.md docs/images/*) $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/test/*' -not -name openapi.d.ts 2>/dev/null)

api/static/index.html: requirements-web.lock $(SCREENS) | web/node_modules/.package-lock.json
	$(NPM) run --silent build

web/node_modules/.package-lock.json: web/package-lock.json web/.npmrc | .venv/ready-web
	@$(NPM) ci --silent --no-fund --no-audit || { echo "web: npm ci failed: is the package registry within reach? (npm config get registry)"; exit 1; }
	@touch $@

docs: .venv/ready-dev ## make docs/asyncapi.json, docs/openapi.json and the tables of endpoints from the code
	$(BIN)/python -m smartbin.facts.wire.asyncapi docs/asyncapi.json
	$(BIN)/python -m smartbin openapi > docs/openapi.json
	$(BIN)/python -m tools.tables

lock: ## compile the requirement files anew (needs uv)
	uv pip compile -q --generate-hashes --no-emit-index-url --no-strip-extras --universal --python-version 3.11 --no-header --extra demo pyproject.toml -o requirements.lock
	uv pip compile -q --generate-hashes --no-emit-index-url --no-strip-extras --universal --python-version 3.11 --no-header --extra demo --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	uv pip compile -q --generate-hashes --no-emit-index-url --no-strip-extras --universal --python-version 3.11 --no-header --group pyproject.toml:web -c requirements-dev.lock -o requirements-web.lock
	uv pip compile -q --generate-hashes --no-emit-index-url --no-strip-extras --universal --python-version 3.11 --no-header --group pyproject.toml:build -c requirements-dev.lock -o requirements-build.lock
	uv pip compile -q --generate-hashes --no-emit-index-url --no-strip-extras --universal --python-version 3.11 --no-header --group pyproject.toml:mutation -c requirements-dev.lock -o requirements-mutation.lock

clean: ## remove what was made, the data of the demo included
	rm -rf .venv var build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache api/static web/node_modules mutants .coverage*
