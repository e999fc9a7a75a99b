#!/bin/sh
# Builds the programs for use: optimized, with the libraries of Swift and C++ inside, so that starting them costs less
# (docs/design/0019-milliseconds-of-starting.md). Arguments go to `swift build`.
set -eu
cd "$(dirname "$0")/.."
swift=${SWIFT:-swift}

# A folder that holds nothing but the archive of the C++ library: the linker looks here first, and finds no shared one.
clang=$(dirname "$(readlink -f "$(command -v "$swift")")")/clang
[ -x "$clang" ] || clang=cc
archive=$("$clang" -print-file-name=libstdc++.a 2>/dev/null) || archive=
static=$PWD/.build/static-libraries
case $archive in
  /*)
    mkdir -p "$static"
    ln -sf "$archive" "$static/libstdc++.a"
    set -- -Xlinker "-L$static" -Xswiftc -Xclang-linker -Xswiftc -static-libgcc "$@"
    ;;
esac
# Nobody looks up a symbol in a program: without 5,000 of them on offer the libraries that it opens find theirs sooner.
set -- -Xlinker --no-export-dynamic "$@"
exec "$swift" build -c release --static-swift-stdlib "$@"
