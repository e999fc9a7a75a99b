#!/bin/sh
# A recorded answer, played without a network and without a key: `gibsey-ask --record FILE` keeps one.
set -eu
EXAMPLES=$(cd "$(dirname "$0")" && pwd)
recording=$EXAMPLES/recordings/night-ferry.rec

echo "How long is the crossing?" |
  gibsey-ask --provider "replay:$recording" --speed 0 --usage > answer.txt 2> usage.txt
grep -q '^The crossing takes a night, and the café closes at ten\.$' answer.txt
grep -q '12 tokens in, 13 out' usage.txt

# One that is cut short is a failure, as it was when it happened.
sed '$d' "$recording" > cut.rec
status=0
echo "How long is the crossing?" | GIBSEY_RETRY_WAIT=0 gibsey-ask --provider replay:cut.rec --speed 0 > cut.txt 2> problem.txt ||
  status=$?
[ "$status" -eq 76 ]
cat answer.txt problem.txt
