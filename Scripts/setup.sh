#!/usr/bin/env bash
# Makes sure that the Debian packages named are there; without root it prints the line to run and stops.
set -euo pipefail

if ! command -v swift >/dev/null; then
  echo "There is no swift on the PATH; install a Swift 6.3 toolchain and run the same command again." >&2
  exit 69
fi
missing=()
for package in "$@"; do
  dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if ((${#missing[@]} == 0)); then exit 0; fi

if [ "$(id -u)" != 0 ]; then
  echo "These Debian packages are missing; install them and run the same command again:" >&2
  echo "  sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
  exit 69
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
