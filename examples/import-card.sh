#!/bin/sh
# A character card comes in, speaks within the gate, and goes out as it came.
set -eu
EXAMPLES=$(cd "$(dirname "$0")" && pwd)
gibsey-index --database story.db "$EXAMPLES/story/the-night-ferry.jsonl" > summary.jsonl
gibsey-index --database story.db --import-card "$EXAMPLES"/cards/the-purser.json "$EXAMPLES"/cards/the-lamplighter.png
gibsey-context --database story.db --list-characters | grep purser

question="What is in the locked drawer of the cabinet?"
gibsey-context --database story.db --character purser --page 020 "$question" > early.jsonl
gibsey-context --database story.db --character purser --page 036 "$question" > late.jsonl
grep -q 'was put there by hand' early.jsonl
grep -q 'lies a brass key from the base of a lamp' late.jsonl
if grep -q 'lies a brass key' early.jsonl; then echo "lore leaked" >&2 && exit 1; fi

gibsey-index --database story.db --export-card purser | cmp - "$EXAMPLES/cards/the-purser.json"
gibsey-index --database story.db --export-card the-lamplighter --picture | cmp - "$EXAMPLES/cards/the-lamplighter.png"
