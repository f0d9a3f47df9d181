# The front door. Every target first brings .venv and static/dist up to date, which costs nothing when they are.

SHELL := bash
BIN := .venv/bin
export PYTHONPATH := $(CURDIR)
# Where it is set, every start compiles the product anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run seed test lint format bench openapi messages lock clean distclean runtime dev venv

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: runtime ## Serve on http://127.0.0.1:8000, with a demo campus in a new database (HOST, PORT, DATABASE_URL)
	@exec $(BIN)/python scripts/run.py

seed: runtime ## Insert the demo campus (ARGS="--tickets 100000")
	@$(BIN)/python insert_dummy_data.py $(ARGS)

test: dev ## Test on SQLite and PostgreSQL (ARGS="-k comments")
	@bash scripts/test.sh $(ARGS)

lint: dev ## Style, types, templates, and who may import whom
	@bash scripts/lint.sh

format: dev ## Rewrite code and templates in the house's style
	@$(BIN)/ruff check --fix --quiet; $(BIN)/ruff format --quiet
	@$(BIN)/djlint templates --reformat --quiet || true

bench: runtime ## Run the benchmarks
	@for benchmark in benchmarks/*.py; do echo "== $$benchmark"; $(BIN)/python "$$benchmark" || exit; done

openapi: runtime ## Write openapi.yml and docs/permissions.md from the code
	@$(BIN)/flask --app app openapi
	@$(BIN)/flask --app app permissions

messages: runtime ## Write translations/messages.pot from the pages' texts, and give the languages what is new
	@bash scripts/messages.sh

lock: venv ## Resolve requirements*.in again, into requirements*.txt (ARGS="--upgrade")
	@for set in requirements requirements-dev requirements-node requirements-uv; do \
	  $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	    --custom-compile-command "make lock" $(ARGS) $$set.in --output-file $$set.txt || exit; \
	done

clean: ## Remove the database, the built frontend and caches
	rm -rf instance static/dist .coverage* htmlcov .hypothesis .schemathesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -not -path './frontend/node_modules/*' -prune -exec rm -rf {} +

distclean: clean ## Remove what setup installed, too
	rm -rf .venv frontend/node_modules

runtime dev venv:
	@bash scripts/setup.sh $@
