#!/bin/sh
# What is in the drawer is told on page 036. A reader on page 020 must not learn it.
set -eu
EXAMPLES=$(cd "$(dirname "$0")" && pwd)
gibsey-index --database story.db "$EXAMPLES/story/the-night-ferry.jsonl" > summary.jsonl
question="What is in the locked drawer of the cabinet?"

gibsey-context --database story.db --page 020 "$question" > early.jsonl
gibsey-context --database story.db --page 036 "$question" > late.jsonl
gibsey-context --database story.db --page 020 --whole-book "$question" > whole.jsonl

grep -q 'A brass key from the base of a lamp' late.jsonl
grep -q '"gate":{"page_id":"036"}' late.jsonl
grep -q 'A brass key from the base of a lamp' whole.jsonl

# Neither the text nor the id of a later page is anywhere in the early prompt, not even among what was left out.
for page in 021 022 023 024 025 026 027 028 029 030 031 032 033 034 035 036 037 038 039 040; do
  if grep -q -e "\"id\":\"$page\"" -e "page $page" early.jsonl; then echo "page $page leaked" >&2 && exit 1; fi
done
echo "no page after 020 in the prompt of a reader on page 020"
