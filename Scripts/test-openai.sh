#!/usr/bin/env bash
# The characters of a daemon as models, asked by OpenAI's own Python package. Needs no model: a script stands in for one.
# Usage: test-openai.sh FOLDER-OF-THE-PROGRAMS
set -euo pipefail
programs=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
project=$PWD
venv=$PWD/.demo/openai
work=$(mktemp -d)
pids=()
stop() {
  exec 9>&- || true
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ ! -e "$venv/.ready" ]; then
  base=python3
  [ -x /usr/bin/python3 ] && base=/usr/bin/python3
  mkdir -p "$PWD/.demo"
  if ! { "$base" -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check openai; }; then
    echo "skipped  openai: the package cannot be installed" >&2
    exit 0
  fi
  touch "$venv/.ready"
fi

cd "$work" # no .env of anybody's
unset "${!GIBSEY_@}" "${!OPENAI_@}" "${!OLLAMA_@}" "${!ANTHROPIC_@}" "${!CLAUDE_@}"
await() { # until a file has a line that matches
  local pid=$1 pattern=$2 file=$3 deadline=$((SECONDS + 30))
  until grep -q "$pattern" "$file" 2>/dev/null; do
    if ! kill -0 "$pid" 2>/dev/null || ((SECONDS > deadline)); then
      echo "test-openai: nothing like $pattern in $file" >&2
      cat "$file" >&2
      exit 69
    fi
    sleep 0.05
  done
}
"$programs/gibsey-index" --database story.db "$project/examples/story/the-night-ferry.jsonl" >summary.jsonl
mkfifo hold
"$venv/bin/python" "$project/examples/http/story-teller.py" <hold >teller.port 2>teller.log &
pids+=($!)
exec 9>hold
await "${pids[0]}" . teller.port
echo "reader:0123456789abcdef0123456789abcdef" >tokens
chmod 600 tokens
OLLAMA_BASE_URL=http://127.0.0.1:$(cat teller.port) GIBSEY_FALLBACK=ollama "$programs/gibsey-serve" --database story.db \
  --listen 127.0.0.1:0 --token-file tokens 2>said 9>&- &
pids+=($!)
await "${pids[1]}" "listening at" said
address=$(sed -n 's/.*listening at //p' said)
NO_PROXY=127.0.0.1 "$venv/bin/python" "$project/Scripts/test-openai.py" "$address/v1" 0123456789abcdef0123456789abcdef 9>&-
