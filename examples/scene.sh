#!/bin/sh
# Two to four characters talk in turn about a question, each from what it knows itself, each hearing the others.
# Usage: scene.sh [question character character…]; of your own choice a model answers, else a recording.
set -eu
EXAMPLES=$(cd "$(dirname "$0")" && pwd)
answer() { gibsey-ask --provider "replay:$EXAMPLES/recordings/scene/$1.rec" --speed 0 --database story.db --session scene; }
if [ $# -eq 0 ]; then
  set -- "Does the Purser think?" london-fox jack-parlance old-natalie-weissman
else
  answer() { gibsey-ask --database story.db --session scene; }
  of_ones_own=1
fi
question=$1 && shift
[ $# -ge 2 ] && [ $# -le 4 ] || { echo "scene.sh: two to four characters, please" >&2; exit 64; }
gibsey-index --database story.db "$EXAMPLES/story/the-night-ferry.jsonl" > summary.jsonl
turn=0
for round in 1 2; do
  for character; do
    turn=$((turn + 1))
    printf '\n%s\n' "$character" | tee -a scene.txt
    gibsey-context --database story.db --session scene --scene --character "$character" --page 036 --knowledge own \
      "$question" > "prompt-$turn.jsonl"
    answer "$turn" < "prompt-$turn.jsonl" | tee -a scene.txt
  done
  question="What do you say to the others? They hear you."
done
[ -z "${of_ones_own:-}" ] || exit 0
# Everybody heard everybody, in the reader's role, and nobody told of a page that is another's.
grep -q '"role":"user","content":"Jack Parlance: Dev log' prompt-4.jsonl
if grep -l '\[page 02[0-9]\]' prompt-1.jsonl prompt-4.jsonl; then echo "London Fox knows too much" >&2 && exit 1; fi
