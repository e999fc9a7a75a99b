#!/bin/sh
# Builds the programs for use: optimized, with the libraries of Swift, C++ and SQLite inside, so that starting them costs less
# (docs/design/0019-milliseconds-of-starting.md). Arguments go to `swift build`.
set -eu
cd "$(dirname "$0")/.."
swift=${SWIFT:-swift}

# A folder that holds nothing but archives: the linker looks here first, and finds no shared library.
clang=$(dirname "$(readlink -f "$(command -v "$swift")")")/clang
[ -x "$clang" ] || clang=cc
static=$PWD/.build/static-libraries
mkdir -p "$static"
# Tells where an archive is and links it; fails where there is none.
offer() {
  archive=$("$clang" -print-file-name="$1" 2>/dev/null) || return 1
  case $archive in /*) ln -sf "$archive" "$static/$1" ;; *) return 1 ;; esac
}
if offer libstdc++.a; then
  set -- -Xlinker "-L$static" -Xswiftc -Xclang-linker -Xswiftc -static-libgcc "$@"
fi
if offer libsqlite3.a; then
  # pkg-config's own answer would name the folder of the shared one first.
  printf 'Name: SQLite\nDescription: the archive\nVersion: 3\nLibs: -L%s -lsqlite3\n' "$static" >"$static/sqlite3.pc"
  export PKG_CONFIG_PATH="$static${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
fi
# Nobody looks up a symbol in a program: without 5,000 of them on offer the libraries that it opens find theirs sooner.
set -- -Xlinker --no-export-dynamic "$@"
# The compiler knows the types that it asks for; by their names the runtime would look through all conformances for each.
knowing=-disable-concrete-type-metadata-mangled-name-accessors
if "${swift}c" -frontend -help-hidden 2>/dev/null | grep -q -e "$knowing"; then
  set -- -Xswiftc -Xfrontend -Xswiftc "$knowing" "$@"
fi
# Nothing that a program needs lies beside it, so the loader is not told to look there first, twenty times.
exec "$swift" build -c release --static-swift-stdlib --disable-local-rpath "$@"
