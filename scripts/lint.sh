#!/usr/bin/env bash
# Everything that reads the code without running it. Says all that is wrong, not only the first.
set -uo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
wrong=0

complain() { printf '%s\n' "$@" >&2; wrong=1; }
check() { local said; said=$("$@" 2>&1) || complain "$said"; }

check ruff check --quiet
check ruff format --check --quiet
check mypy
check djlint templates --check --lint
check lint-imports --no-logo

# import-linter reads packages, and models.py is a module.
upward=$(grep -nE '^\s*(from|import)\s+(app|blueprints|helpdesk|setup_db|insert_dummy_data)\b' models.py |
  grep -vE 'from helpdesk\.(errors|settings) import|from helpdesk import (errors|settings|errors, settings)$')
[ -z "$upward" ] || complain 'models.py may import nothing of ours but helpdesk.errors and helpdesk.settings:' "$upward"

# What is tested must be what will be served.
pins() { grep -oE '^[a-z][^ ]*' "$1"; }
other=$(pins requirements.txt | grep -vxF -f <(pins requirements-dev.txt))
[ -z "$other" ] || complain 'requirements-dev.txt has other versions; run `make lock`:' "$other"

for script in scripts/*.sh .ci/run; do check bash -n "$script"; done
check npm --prefix frontend run --silent check

exit $wrong
