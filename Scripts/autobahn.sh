#!/usr/bin/env bash
# The Autobahn Testsuite against an echo server made of gibsey-serve's own frames: cases 1 to 7, 9 and 10.
# Usage: autobahn.sh FOLDER-OF-THE-TESTS [CASES], as in autobahn.sh .build/debug 7.*
# It runs on Python 2.7 only, which Debian 12 does not have: one on the PATH, of pyenv, or named by PYTHON2 is taken.
set -euo pipefail
tests=$(cd "$1" && pwd)
cases=${2:-1.* 2.* 3.* 4.* 5.* 6.* 7.* 9.* 10.*}
cd "$(dirname "$0")/.."
home=$PWD/.demo/autobahn

# A name on the PATH may be a shim that leads nowhere: what counts is that it runs.
python=
for candidate in ${PYTHON2:+"$PYTHON2"} python2.7 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7*/bin/python2.7; do
  if [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = 2.7 ]; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "There is no Python 2.7, and the Autobahn Testsuite runs on no other; name one with PYTHON2=/path/to/python2.7." >&2
  exit 69
fi
if [ ! -e "$home/.ready" ]; then
  rm -rf "$home"
  "$python" -m pip install -qq --disable-pip-version-check --target "$home" autobahntestsuite==25.10.1
  touch "$home/.ready"
fi

work=$(mktemp -d)
pid=
stop() {
  exec 9>&- || true
  if [ -n "$pid" ]; then kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The echo server lives until its standard input ends.
mkfifo "$work/in"
GIBSEY_ECHO_PORT_FILE=$work/port "$tests/gibseyPackageTests.xctest" --testing-library swift-testing --filter EchoServer \
  <"$work/in" >"$work/echo.log" 2>&1 &
pid=$!
exec 9>"$work/in"
deadline=$((SECONDS + 60))
until [ -s "$work/port" ]; do
  if ! kill -0 "$pid" 2>/dev/null || ((SECONDS > deadline)); then
    echo "autobahn: the echo server does not start" >&2
    tail -n 20 "$work/echo.log" >&2
    exit 69
  fi
  sleep 0.1
done

python3 - "$(cat "$work/port")" "$work" $cases <<'END'
import json, sys
port, work, *cases = sys.argv[1:]
json.dump({"outdir": work + "/report", "servers": [{"agent": "gibsey-serve", "url": f"ws://127.0.0.1:{port}/echo"}],
           "cases": cases, "exclude-cases": [], "exclude-agent-cases": {}}, open(work + "/spec.json", "w"))
END
# Its packages of one namespace are found by their .pth files only.
(cd "$work" && "$python" -c '
import site, sys
site.addsitedir(sys.argv.pop(1))
from autobahntestsuite.wstest import run
run()' "$home" --mode fuzzingclient --spec spec.json >"$work/wstest.log" 2>&1 9>&-) || { tail -n 20 "$work/wstest.log" >&2; exit 1; }
mkdir -p .demo && rm -rf .demo/autobahn-report && cp -r "$work/report" .demo/autobahn-report

python3 - "$work/report/index.json" <<'END'
import collections, json, sys
results = json.load(open(sys.argv[1]))["gibsey-serve"]
counts = collections.Counter(result["behavior"] for result in results.values())
bad = sorted((name for name, result in results.items()
              if result["behavior"] not in ("OK", "INFORMATIONAL") or result["behaviorClose"] not in ("OK", "INFORMATIONAL")),
             key=lambda name: [int(part) for part in name.split(".")])
for name in bad:
    print(f"case {name}: {results[name]['behavior']}, closing {results[name]['behaviorClose']}")
print(f"{len(results)} cases: " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
sys.exit(1 if bad or not results else 0)
END
