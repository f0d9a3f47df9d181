#!/usr/bin/env bash
# Writes the texts of the staff's pages to translations/messages.pot, or to the file that is named. Without dates and
# lines, so that it changes when a text does. Languages that there are get the new texts and are compiled.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
pot=${1:-translations/messages.pot}
mkdir -p "$(dirname "$pot")"
pybabel --quiet extract --mapping-file babel.cfg --keywords lazy_gettext --keywords markup --keywords nmarkup:1,2 \
  --omit-header --no-location --sort-output --width 120 --output-file "$pot" .
if [ $# = 0 ] && compgen -G 'translations/*/LC_MESSAGES/messages.po' >/dev/null; then
  pybabel --quiet update --input-file "$pot" --output-dir translations --no-fuzzy-matching
  pybabel --quiet compile --directory translations
fi
