#!/usr/bin/env bash
# The Dockerfile's steps for the bot, without Docker: a clean environment from requirements/server.txt,
# only the files that the image copies, a bundle, and a question to the running server.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
bundles=${1:-$root/var/index}
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$root/requirements/server.txt"
mkdir -p "$work/app"
cp -r "$root/index" "$root/bot" "$root/web" "$work/app/"
rm -rf "$work/app/index/models"
cd "$work/app"
FUNDSTELLE_INDEX=$bundles "$work/venv/bin/python" -m bot --port 8123 2>"$work/log" &
server=$!
for _ in $(seq 50); do
  curl -sf localhost:8123/readyz >/dev/null && break
  sleep 0.2
done
curl -sf localhost:8123/api/chat -H 'Content-Type: application/json' \
  -d '{"message": "Kita-Gebühren", "programme": "dortmund-2025"}' \
  | grep -q 'komplett abschaffen' && echo "image steps: the bot answers without torch"
