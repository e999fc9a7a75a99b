#!/bin/sh
# Many questions in one run: plain lines and requests may be mixed. A broken line is reported, and the others are answered.
set -eu
EXAMPLES=$(cd "$(dirname "$0")" && pwd)
gibsey-index --database story.db "$EXAMPLES/story/the-night-ferry.jsonl" > summary.jsonl

cat > requests.jsonl <<'END'
What is in the drawer?
{"prompt":"What is consciousness?","character_id":"london-fox","current_page_id":"012","request_id":"r2"}
{"prompt": this is not JSON
{"type":"ai_chat_request","data":{"prompt":"And the chair?","character_id":"jack-parlance","request_id":"r4"}}
END

status=0
gibsey-context --database story.db < requests.jsonl > prompts.jsonl 2> problems || status=$?
[ "$status" -eq 65 ]
grep -q 'line 3: not JSON' problems
[ "$(grep -c '"type":"ai_prompt"' prompts.jsonl)" -eq 3 ]
grep -q '"request_id":"r2"' prompts.jsonl
grep -q '"request_id":"r4"' prompts.jsonl
echo "3 prompts, and about the other line:"
cat problems
