#!/usr/bin/env bash
# Known holes in the locked packages, by pip-audit in an environment of its own. It asks PyPI for each
# package; where that can't be reached nothing is checked, which is said, and is an error with --strict.
set -euo pipefail
cd "$(dirname "$0")/.."
tool=var/audit
strict=${1:-}
unchecked() {
  echo "audit: NOT CHECKED: $1"
  [ "$strict" = --strict ] && exit 1
  exit 0
}
mkdir -p var
if [ ! -x $tool/bin/pip-audit ]; then
  python3 -m venv $tool
  $tool/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1 2>$tool/log \
    || { rm -rf $tool; unchecked "pip-audit can't be installed (offline?)"; }
fi
holes=0
for list in server all; do
  set +e
  output=$(timeout 300 $tool/bin/pip-audit --disable-pip --require-hashes --progress-spinner off --timeout 10 \
    -r requirements/$list.txt 2>&1)
  code=$?
  set -e
  if [ $code -ne 0 ] && ! grep -qE "^(Name|Found [0-9]+ known)" <<<"$output"; then
    unchecked "the database of known holes can't be reached (${output##*$'\n'})"
  fi
  skipped=$(grep -c "could not be audited" <<<"$output" || true) # a mirror without PyPI's own data
  [ "$skipped" -eq 0 ] || unchecked "$skipped packages of requirements/$list.txt are unknown where pip asked"
  echo "requirements/$list.txt: $output"
  [ $code -eq 0 ] || holes=1
done
exit $holes
