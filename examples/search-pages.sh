#!/bin/sh
# Looks for pages by their words alone, without a model of any kind. A hit says where the page stands and how well it fits.
set -eu
EXAMPLES=$(cd "$(dirname "$0")" && pwd)
gibsey-index --database story.db --embedder none "$EXAMPLES/story/the-night-ferry.jsonl" > summary.jsonl

gibsey-context --database story.db --search 3 "Who sounded the horn a fourth time?" | tee hits.jsonl
[ "$(wc -l < hits.jsonl)" -eq 3 ]
grep -q '"id":"033"' hits.jsonl

# A word that no page has: nothing is printed, and the exit status is 1.
status=0
gibsey-context --database story.db --search 3 "zeppelin" > none.jsonl || status=$?
[ "$status" -eq 1 ]
[ ! -s none.jsonl ]
