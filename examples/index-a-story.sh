#!/bin/sh
# Indexes the sample story, twice: the second run finds nothing to do. Then changes one title.
set -eu
EXAMPLES=$(cd "$(dirname "$0")" && pwd)
story=$EXAMPLES/story/the-night-ferry.jsonl

gibsey-index --database story.db --source ferry - < "$story" > first.jsonl
grep -q '"added":40,"updated":0,"relabelled":0,"unchanged":0' first.jsonl

gibsey-index --database story.db --source ferry - < "$story" > second.jsonl
grep -q '"added":0,"updated":0,"relabelled":0,"unchanged":40' second.jsonl

sed 's/"title": "The Proof"/"title": "The Sound Proof"/' "$story" |
  gibsey-index --database story.db --source ferry --each - > third.jsonl
[ "$(grep -c '"change":"relabelled"' third.jsonl)" -eq 14 ]

gibsey-index --database story.db --status
