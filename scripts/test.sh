#!/usr/bin/env bash
# Runs the suite on SQLite, then what has a database again on PostgreSQL. In CI (CI=1) both runs together are asked what they left untested:
# measuring that takes two thirds longer.
#   scripts/test.sh [pytest arguments]      with arguments, coverage is not measured: a part cannot reach the whole
#
# PostgreSQL is the one TEST_DATABASE_URL names, or else one that lets `postgres` in at 127.0.0.1:5432. The tests make
# databases of their own there and drop them. Without any, only CI fails.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/.venv/bin:$PATH
unset PYTHONDONTWRITEBYTECODE  # or every worker rewrites pytest's plugins anew, for two seconds

postgresql_named=${TEST_DATABASE_URL:-}
postgresql=${postgresql_named:-postgresql+psycopg://postgres@127.0.0.1:5432/postgres}
unset TEST_DATABASE_URL

refusal=$(python - "$postgresql" <<'PYTHON'
import sys

import psycopg

try:
    psycopg.connect(sys.argv[1].replace("+psycopg:", ":", 1), connect_timeout=3).close()
except psycopg.Error as error:
    print(str(error).splitlines()[0])
PYTHON
)
if [ -n "$refusal" ]; then
  if [ -n "${CI:-}${postgresql_named:-}" ]; then
    printf 'PostgreSQL: cannot be tested: %s\n' "$refusal" >&2
    exit 1
  fi
  postgresql=''
fi

coverage=''
[ $# -gt 0 ] || [ -z "${CI:-}" ] || coverage='--cov --cov-report='

suite() {
  local name=$1
  shift
  printf '\n=== %s\n' "$name"
  COVERAGE_FILE=.coverage.$name pytest --numprocesses auto --dist worksteal $coverage "$@"
}

rm -f .coverage .coverage.*
suite sqlite "$@"
[ -z "$postgresql" ] || TEST_DATABASE_URL=$postgresql suite postgresql "$@"

if [ -n "$coverage" ]; then
  printf '\n=== coverage\n'
  coverage combine --quiet
  coverage report --fail-under=95
  # Who may do what leaves nothing to chance.
  coverage report --fail-under=100 --include=helpdesk/policy.py,helpdesk/workflow.py,"helpdesk/auth/*"
fi

[ -n "$postgresql" ] || printf '\n*** PostgreSQL: not tested (%s)\n' "$refusal"
