#!/usr/bin/env bash
# What happens in a daemon, as messages of a Kafka topic: gibsey-serve writes its events as lines, kcat sends each of them.
#
#   BROKER=localhost:9092 TOPIC=gibsey.events examples/daemon/events-to-kafka.sh story.db
#
# kcat may stall or die: no answer waits for it. What it could not take is counted in the next event's "dropped".
# kcat 1.7.1 reads its input in blocks of some KiB: in a quiet hour an event reaches the broker with those after it.
set -euo pipefail
database=${1:?usage: events-to-kafka.sh DATABASE}
command -v kcat >/dev/null || { echo "this example needs kcat (apt install kcat)" >&2; exit 69; }

exec gibsey-serve --database "$database" ${LISTEN:+--listen "$LISTEN"} --events - |
  kcat -P -b "${BROKER:-localhost:9092}" -t "${TOPIC:-gibsey.events}"
