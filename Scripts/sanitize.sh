#!/usr/bin/env bash
# All tests on builds that watch for races (thread) and for memory that is not ours (address). A race is only a printed warning
# unless it ends the process: it does here, which a small program with one of each shows before.
# Usage: sanitize.sh [thread|address] [FLAGS OF SWIFT TEST…], as in sanitize.sh thread --filter ServeTests
set -euo pipefail
cd "$(dirname "$0")/.."
swift=${SWIFT:-swift}
kinds=(thread address)
case ${1:-} in thread | address) kinds=("$1") && shift ;; esac
# XCTest's and Swift's own start-up allocations live to the end of the process: leaks are looked for by `make soak`.
export TSAN_OPTIONS="halt_on_error=1 exitcode=66 abort_on_error=0 ${TSAN_OPTIONS:-}"
# Each thread is many times slower: as many tests at once as otherwise would wait for each other too long.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The runtime of Swift is not built to be watched: a continuation that another thread resumes before it is awaited looks like a race
# between the two, in a program of nothing else (`withUnsafeThrowingContinuation` and a queue, 300,000 times: at once).
cat >"$work/suppressions" <<'END'
race_top:withUnsafeContinuation
race_top:withUnsafeThrowingContinuation
race_top:withCheckedContinuation
race_top:withCheckedThrowingContinuation
END
TSAN_OPTIONS="suppressions=$work/suppressions $TSAN_OPTIONS"
export ASAN_OPTIONS="detect_leaks=0 exitcode=66 abort_on_error=0 ${ASAN_OPTIONS:-}"
cat >"$work/thread.swift" <<'END'
import Glibc
nonisolated(unsafe) var count = 0
// Two threads for sure: a pool may give all of the work to one.
var threads = [pthread_t](repeating: 0, count: 2)
for place in 0..<2 {
  pthread_create(&threads[place], nil, { _ in for _ in 0..<10_000 { count += 1 }; return nil }, nil)
}
for thread in threads { pthread_join(thread, nil) }
END
cat >"$work/address.swift" <<'END'
let pointer = UnsafeMutablePointer<Int>.allocate(capacity: 1)
pointer.initialize(to: 1)
pointer.deallocate()
print(pointer.pointee)
END
for kind in "${kinds[@]}"; do
  echo "== $kind"
  "${swift}c" -sanitize="$kind" "$work/$kind.swift" -o "$work/$kind"
  status=0
  "$work/$kind" >/dev/null 2>"$work/$kind.log" || status=$?
  if [ "$status" != 66 ]; then
    echo "sanitize: a fault ended with status $status and not 66: this machine's sanitizer finds nothing" >&2
    cat "$work/$kind.log" >&2
    exit 1
  fi
  "$swift" build --build-tests --sanitize="$kind" --scratch-path ".build-$kind"
  "$swift" test --skip-build --sanitize="$kind" --scratch-path ".build-$kind" "$@"
done
