#!/bin/sh
# The daemon with curl: who is there, a page and the gate, an answer as records, as events, and as OpenAI's clients ask for it.
set -eu
EXAMPLES=$(cd "$(dirname "$0")" && pwd)
gibsey-index --database story.db "$EXAMPLES/story/the-night-ferry.jsonl" > summary.jsonl
mkfifo hold
python3 "$EXAMPLES/http/story-teller.py" < hold > teller.port &
teller=$!
exec 9> hold
until [ -s teller.port ]; do sleep 0.05; done
OLLAMA_BASE_URL=http://127.0.0.1:$(cat teller.port) GIBSEY_FALLBACK=ollama gibsey-serve --database story.db \
  --listen 127.0.0.1:0 2> said 9>&- &
daemon=$!
trap 'kill $daemon $teller 2> /dev/null || true' EXIT
until grep -qs listening said; do kill -0 $daemon; sleep 0.05; done
address=$(sed -n 's/.*listening at //p' said)
ask() { curl -sS --noproxy '*' "$@"; }

ask "$address/api/v1/characters" | grep -q '"id":"london-fox"'
ask "$address/api/v1/pages/012?page=020" | grep -q '"page_index":12'
[ "$(ask -o gated.json -w '%{http_code}' "$address/api/v1/pages/036?page=020")" = 404 ]
ask "$address/api/v1/search?q=drawer&page=020" | grep -q '"hits":\['

question='{"prompt":"What about the fog?","character_id":"london-fox","current_page_id":"012","session_id":"s1"}'
ask -H 'Content-Type: application/json' -d "$question" "$address/api/v1/ask" > answer.jsonl
[ "$(grep -c '"type":"ai_response_stream"' answer.jsonl)" -eq 8 ]
ask -H 'Content-Type: application/json' -H 'Accept: text/event-stream' -d "$question" "$address/api/v1/ask" | grep -q '^data: {"type"'
ask "$address/api/v1/sessions/s1" | grep -q '"answer":"The fog has its own opinions'
ask -H 'Content-Type: application/json' "$address/v1/chat/completions" \
  -d '{"model":"london-fox@012","messages":[{"role":"user","content":"What about the fog?"}]}' | grep -o '"content":"[^"]*"'
