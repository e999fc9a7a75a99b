#!/bin/sh
# A conversation over a socket from the shell: records in, records out, as in every other pipe of gibsey.
# Usage: talk.sh ADDRESS, as in talk.sh ws://127.0.0.1:8000; PYTHON names one that has the package websockets. The records stay in
# answers.jsonl.
set -eu
records() { "${PYTHON:-python3}" "$(dirname "$0")/records.py" "$1" shell; }

records "$1" << 'END' > answers.jsonl
{"type":"page_navigation","data":{"page_id":"012"}}
{"type":"ai_chat_request","data":{"prompt":"What about the fog?","character_id":"london-fox","request_id":"q1"}}
{"type":"ai_chat_request","data":{"prompt":"And then?","character_id":"london-fox","request_id":"q2"}}
END
# The words of the first answer, without a tool for JSON.
sed -n 's/.*"token":"\([^"]*\)".*"request_id":"q1".*/\1/p' answers.jsonl | tr -d '\n'
echo
grep -c '"is_complete":true' answers.jsonl
