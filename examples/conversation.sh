#!/bin/sh
# A conversation: kept, gone on with, asked again, forked, found, taken out, forgotten. A recording answers, without a network.
set -eu
EXAMPLES=$(cd "$(dirname "$0")" && pwd)
export GIBSEY_DATABASE=story.db
gibsey-index "$EXAMPLES/story/the-night-ferry.jsonl" --embedder none > summary.jsonl
say() { gibsey-context --session ann "$@" | gibsey-ask --session ann --provider "replay:$EXAMPLES/recordings/night-ferry.rec" --speed 0 2>> notes; }

say --character london-fox --page 012 "How long is the crossing?"
say "And when does the café close?"

# The next prompt has both turns, and its reader is still on page 012.
gibsey-context --session ann "Then I shall hurry." > prompt.jsonl
grep -q '"content":"How long is the crossing?"' prompt.jsonl
grep -q '"gate":{"page_id":"012"},"parent_turn":2' prompt.jsonl

# The last question once more, beside its old answer; then another way on from the first turn.
say --retry
say --at 1 "What is for supper?"
gibsey-index --export-session ann | grep -o '"turn":[0-9]*,"parent_turn":[0-9a-z]*'

# A reader who steps back to page 003 has not heard what was said on page 012.
gibsey-context --session ann --page 003 "Where are we?" > back.jsonl
if grep -q supper back.jsonl; then exit 1; fi

gibsey-index --find supper | grep -q '"turn":4'
gibsey-index --forget ann
if gibsey-index --sessions; then exit 1; fi
echo "nothing is left of it"
