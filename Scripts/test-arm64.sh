#!/usr/bin/env bash
# The kernels compiled for arm64 and run on an emulated one: they give the same bits as each kind that this processor runs.
# Usage: test-arm64.sh       Wants Debian's cross libraries and qemu-user (`make test-arm64` sees to them) and Swift's own clang.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(uname -m)" != x86_64 ]; then
  echo "skipped: this compares with the kernels of x86-64, and here is $(uname -m)"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The kernels use operations on vectors that Debian's clang does not know.
clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
sources=(Tests/CKernelsElsewhere/bits.c Sources/CKernels/*.c)
flags=(-std=c11 -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -I Sources/CKernels/include)
there=/usr/aarch64-linux-gnu
libraries=$(dirname "$(ls /usr/lib/gcc-cross/aarch64-linux-gnu/*/libgcc.a | tail -n 1)")

"$clang" "${flags[@]}" "${sources[@]}" -o "$work/here" -lm
"$clang" "${flags[@]}" --target=aarch64-linux-gnu --sysroot="$there" -isystem "$there/include" -B"$libraries" -L"$libraries" \
  -L"$there/lib" -fuse-ld=lld --rtlib=libgcc -static "${sources[@]}" -o "$work/there" -lm

qemu-aarch64 "$work/there" >"$work/arm64"
for kind in 0 1 2; do
  "$work/here" "$kind" >"$work/x86-64"
  diff "$work/arm64" "$work/x86-64" || { echo "arm64 and kind $kind of x86-64 differ" >&2; exit 1; }
done
echo "arm64: $(wc -l <"$work/arm64") results, the same bits as each kind that this processor runs"
