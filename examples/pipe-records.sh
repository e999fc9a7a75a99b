#!/bin/sh
# Records travel through pipes: one database is copied to another, and what a filter does not know passes through it.
set -eu
EXAMPLES=$(cd "$(dirname "$0")" && pwd)
gibsey-index --database story.db "$EXAMPLES/story/the-night-ferry.jsonl" > summary.jsonl

gibsey-index --database story.db --export > pages.jsonl
gibsey-index --database copy.db --source copy - < pages.jsonl > summary.jsonl
gibsey-index --database copy.db --export | cmp - pages.jsonl

note='{"type":"my_note","data":{"of":"page 012", "kept": "as it came"}}'
{
  echo "$note"
  echo '{"type":"ai_chat_request","data":{"prompt":"Who is aboard?","request_id":"r1"}}'
} | gibsey-context --database copy.db > out.jsonl
[ "$(head -n 1 out.jsonl)" = "$note" ]
tail -n 1 out.jsonl | grep -q '"type":"ai_prompt".*"request_id":"r1"'

# Without a provider that can be reached, an answer is one error record, and the exit status says so.
status=0
OLLAMA_BASE_URL=http://127.0.0.1:1 gibsey-ask --json --provider ollama < out.jsonl > answer.jsonl 2> problems || status=$?
[ "$status" -eq 69 ]
[ "$(head -n 1 answer.jsonl)" = "$note" ]
tail -n 1 answer.jsonl | grep -q '"code":"PROVIDER_UNREACHABLE".*"request_id":"r1"'
echo "40 pages copied; a note and a request passed through two programs"
