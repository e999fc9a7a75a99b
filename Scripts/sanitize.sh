#!/usr/bin/env bash
# All tests on builds that watch for races (thread) and for memory that is not ours (address). A race is only a printed warning
# unless it ends the process: it does here.
# Usage: sanitize.sh [thread|address] [FLAGS OF SWIFT TEST…], as in sanitize.sh thread --filter ServeTests
set -euo pipefail
cd "$(dirname "$0")/.."
swift=${SWIFT:-swift}
kinds=(thread address)
case ${1:-} in thread | address) kinds=("$1") && shift ;; esac
# XCTest's and Swift's own start-up allocations live to the end of the process: leaks are looked for by `make soak`.
export TSAN_OPTIONS="halt_on_error=1 exitcode=66 abort_on_error=0 ${TSAN_OPTIONS:-}"
export ASAN_OPTIONS="detect_leaks=0 exitcode=66 abort_on_error=0 ${ASAN_OPTIONS:-}"
for kind in "${kinds[@]}"; do
  echo "== $kind"
  "$swift" build --build-tests --sanitize="$kind" --scratch-path ".build-$kind"
  "$swift" test --skip-build --sanitize="$kind" --scratch-path ".build-$kind" "$@"
done
