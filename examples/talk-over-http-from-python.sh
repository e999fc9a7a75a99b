#!/bin/sh
# A conversation from Python, token by token: http/talk.py is all there is to it.
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

python3 "$EXAMPLES/http/talk.py" "$address" london-fox 012 "What about the fog?" > answer.txt 2> cited.txt
grep -q '^The fog has its own opinions \[page 012\]\.$' answer.txt
grep -q '^cited: 012$' cited.txt
# What is wrong is told in a sentence.
! python3 "$EXAMPLES/http/talk.py" "$address" nobody 012 "Who are you?" 2> problem.txt
grep -q '^talk.py: unknown character nobody$' problem.txt
cat answer.txt cited.txt problem.txt
