#!/usr/bin/env bash
# What other people's programs make of a daemon: OpenAI's own Python package, llm, and websockets with the examples. Needs no
# model: a script stands in for one.
# Usage: test-clients.sh FOLDER-OF-THE-PROGRAMS
set -euo pipefail
programs=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
project=$PWD
venv=$PWD/.demo/clients
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
  if ! { "$base" -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check openai llm websockets; }; then
    echo "skipped  openai, llm, websockets: the packages cannot be installed" >&2
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
      echo "test-clients: nothing like $pattern in $file" >&2
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
export NO_PROXY=127.0.0.1
token=0123456789abcdef0123456789abcdef
"$venv/bin/python" "$project/Scripts/test-openai.py" "$address/v1" "$token" 9>&-

answer="The fog has its own opinions [page 012]."
same() { # what is it, and what should it be
  if [ "$2" != "$3" ]; then
    printf 'test-clients: %s\n  wanted %s\n  got    %s\n' "$1" "$3" "$2" >&2
    exit 1
  fi
}
version() { "$venv/bin/python" -c 'import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))' "$1"; }

# llm, with the example's models: an answer streamed, one that goes on, one at once, and a character that there is not.
export LLM_USER_PATH=$work/llm
mkdir "$LLM_USER_PATH"
sed "s|http://127.0.0.1:8000|$address|" "$project/examples/socket/llm-models.yaml" >"$LLM_USER_PATH/extra-openai-models.yaml"
printf -- '- model_id: nobody\n  model_name: nobody\n  api_base: %s/v1\n  api_key_name: gibsey\n' "$address" \
  >>"$LLM_USER_PATH/extra-openai-models.yaml"
llm() { "$venv/bin/llm" "$@" </dev/null 9>&-; }
llm keys set gibsey --value "$token"
same "llm" "$(llm -m london-fox 'What about the fog?')" "$answer"
same "llm, going on" "$(llm -c 'And then?')" "$answer"
same "llm, at once" "$(llm -m london-fox --no-stream 'What about the fog?')" "$answer"
same "llm, nobody" "$(llm -m nobody 'Who are you?' 2>&1 | grep -c 'there is no such model; wanted one of an-author')" 1
echo "ok       llm $(version llm): an answer streamed, at once, gone on with, and a character that there is not"

# websockets, with the examples: records through a pipe, an answer that is printed, one that is stopped.
socket=ws${address#http}
export GIBSEY_TOKEN=$token PYTHON=$venv/bin/python
same "talk.sh" "$(sh "$project/examples/socket/talk.sh" "$socket" 9>&-)" "$answer
2"
same "talk.py" "$("$PYTHON" "$project/examples/socket/talk.py" "$socket" ann london-fox 012 'What about the fog?' 9>&-)" "$answer
[stop] cited: 012"
same "talk.py, nobody" "$("$PYTHON" "$project/examples/socket/talk.py" "$socket" ann nobody 012 'Who?' 2>&1 9>&- || true)" \
  "talk.py: unknown character nobody"
echo "ok       websockets $(version websockets): records in and out, answers printed, an error told"
