#!/bin/sh
# A prompt is text and always the same, so two of them can be compared like any two files.
set -eu
EXAMPLES=$(cd "$(dirname "$0")" && pwd)
gibsey-index --database story.db "$EXAMPLES/story/the-night-ferry.jsonl" > summary.jsonl
question="Why does the Purser pause?"

ask() { gibsey-context --database story.db --page 027 "$@" "$question"; }
# The page ids of a prompt, one a line.
pages() { sed 's/.*"pages":\[//; s/\],"samples":.*//; s/\],"tokens":.*//' "$1" | grep -o '"id":"[^"]*"' | cut -d '"' -f 4; }

ask --character jack-parlance --budget 6000 > large.jsonl
ask --character jack-parlance --budget 6000 > again.jsonl
cmp large.jsonl again.jsonl

ask --character jack-parlance --budget 1200 > small.jsonl
pages large.jsonl > large.pages
pages small.jsonl > small.pages
diff large.pages small.pages > difference || true
grep -q '^<' difference
# Pages stand in reading order: the reader's page, behind which nothing is told, is the last in both.
[ "$(tail -n 1 large.pages) $(tail -n 1 small.pages)" = "027 027" ]
sort -c large.pages
echo "pages that the smaller budget left out:"
grep '^<' difference
