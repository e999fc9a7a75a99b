#!/usr/bin/env bash
# The surroundings of the daemon, tried for real: systemd's own check of the units, nginx and Caddy in front of it, its
# events through a Kafka broker. Usage: test-daemon.sh FOLDER-OF-PROGRAMS
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(cd "$1" && pwd)
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill -- "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "${pid#-}" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
fail() { echo "FAILED   $*" >&2; exit 1; }
ok() { echo "ok       $*"; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# until_true SECONDS COMMAND…
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do ((SECONDS < end)) || return 1; sleep 0.05; done
}

# The units, with the program where they look for it.
for unit in gibsey-serve.service gibsey-serve.socket; do
  sed "s|/usr/local/bin/gibsey-serve|$bin/gibsey-serve|; /^Documentation=/d" "examples/daemon/$unit" >"$work/$unit"
done
complaints=$(systemd-analyze verify "$work/gibsey-serve.service" "$work/gibsey-serve.socket" 2>&1) || fail "units: $complaints"
[ -z "$complaints" ] || fail "units: $complaints"
exposure=$(systemd-analyze security --offline=true "$work/gibsey-serve.service" | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
awk "BEGIN { exit !(\"$exposure\" != \"\" && $exposure < 2) }" || fail "exposure of the unit: $exposure"
ok "systemd unit: exposure $exposure of 10"

"$bin/gibsey-index" --database "$work/story.db" --embedder none examples/story/the-night-ferry.jsonl >/dev/null
printf 'reader:0123456789abcdef\n' >"$work/tokens"
chmod 600 "$work/tokens"
daemon=$(free_port)
"$bin/gibsey-serve" --database "$work/story.db" --listen "127.0.0.1:$daemon" --allow-host story.example \
  --allow-origin https://story.example --token-file "$work/tokens" 2>"$work/daemon.log" &
pids+=($!)
answers() { curl -sf -o /dev/null "http://127.0.0.1:$daemon/health"; }
until_true 10 answers || fail "the daemon does not answer: $(cat "$work/daemon.log")"

# through NAME PORT: the daemon answers behind a proxy, knows who asks, and upgrades to a WebSocket.
through() {
  local url=https://story.example:$2
  local call=(curl -sk --max-time 10 --resolve "story.example:$2:127.0.0.1" --http1.1)
  up() { "${call[@]}" -f -o /dev/null "$url/health"; }
  until_true 15 up || fail "$1 does not answer: $(cat "$work/$1.log")"
  local status
  status=$("${call[@]}" -o /dev/null -w '%{http_code}' -H 'Host: story.example' "$url/api/v1/characters")
  [ "$status" = 401 ] || fail "$1: without a token: $status, wanted 401"
  status=$("${call[@]}" -o /dev/null -w '%{http_code}' -H 'Host: story.example' -H 'Authorization: Bearer 0123456789abcdef' \
    -H 'Origin: https://elsewhere.example' "$url/api/v1/characters")
  [ "$status" = 403 ] || fail "$1: from another origin: $status, wanted 403"
  status=$("${call[@]}" -o /dev/null -w '%{http_code}' -H 'Host: story.example' -H 'Authorization: Bearer 0123456789abcdef' \
    -H 'Origin: https://story.example' -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
    -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' --max-time 1 "$url/ws/proxied" || true)
  [ "$status" = 101 ] || fail "$1: a WebSocket: $status, wanted 101"
  ok "$1: TLS, tokens, origins and WebSockets"
}

openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=story.example -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
port=$(free_port)
{
  echo "daemon off; pid $work/nginx.pid; error_log stderr; events {} http { access_log off;"
  for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $work/$kind;"; done
  sed "s|listen 443|listen 127.0.0.1:$port|; s|127.0.0.1:8000|127.0.0.1:$daemon|; s|/etc/ssl/story.example/fullchain.pem|$work/cert.pem|
    s|/etc/ssl/story.example/privkey.pem|$work/key.pem|" examples/daemon/nginx.conf
  echo "}"
} >"$work/nginx.conf"
nginx -c "$work/nginx.conf" -p "$work" 2>"$work/nginx.log" &
pids+=($!)
through nginx "$port"

port=$(free_port)
{
  printf '{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system %s\n}\n' "$work/caddy"
  sed "s|^story.example {|story.example:$port {\n\tbind 127.0.0.1\n\ttls $work/cert.pem $work/key.pem|; s|127.0.0.1:8000|127.0.0.1:$daemon|" \
    examples/daemon/Caddyfile
} >"$work/Caddyfile"
HOME=$work caddy run --adapter caddyfile --config "$work/Caddyfile" >"$work/caddy.log" 2>&1 &
pids+=($!)
through caddy "$port"

# Events, through the broker that librdkafka plays for tests.
if [ ! -e .demo/kafka/.ready ]; then
  python3 -m venv .demo/kafka
  .demo/kafka/bin/pip install --quiet --disable-pip-version-check confluent-kafka==2.16.1
  touch .demo/kafka/.ready
fi
.demo/kafka/bin/python Scripts/mock-broker.py >"$work/broker" 2>"$work/broker.log" &
pids+=($!)
until_true 20 test -s "$work/broker" || fail "no broker: $(cat "$work/broker.log")"
broker=$(cat "$work/broker")
port=$(free_port)
# In a group of its own, which ends together: a signal to the shell would leave the daemon of its pipe.
PATH=$bin:$PATH BROKER=$broker TOPIC=gibsey.events LISTEN=127.0.0.1:$port \
  setsid examples/daemon/events-to-kafka.sh "$work/story.db" 2>"$work/kafka.log" &
pids+=("-$!")
reads_page() { curl -sf -o /dev/null "http://127.0.0.1:$port/api/v1/pages/001?page=012"; }
until_true 15 reads_page || fail "the daemon with events does not answer: $(cat "$work/kafka.log")"
has_event() {
  kcat -C -b "$broker" -t gibsey.events -o beginning -e -q 2>/dev/null >"$work/events" && grep -q '"name":"page_read"' "$work/events"
}
# kcat hands on a block when it is full.
for _ in {1..200}; do reads_page; done
until_true 20 has_event || fail "no page_read event came through Kafka: $(cat "$work/events" "$work/kafka.log")"
grep -qv '^{"type":"event","data":{"name":"' "$work/events" && fail "not only events: $(cat "$work/events")"
grep -q 'page_id":"001"' "$work/events" || fail "the event does not name its page: $(cat "$work/events")"
ok "events through Kafka: $(wc -l <"$work/events") of them"
