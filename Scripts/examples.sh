#!/usr/bin/env bash
# Runs every example with the built tools, each in a folder of its own; an example that fails fails the check.
set -euo pipefail
export PATH="$1:$PATH"
examples=$(cd "$(dirname "$0")/../examples" && pwd)
unset "${!GIBSEY_@}" "${!OPENAI_@}" "${!OLLAMA_@}" "${!ANTHROPIC_@}" "${!CLAUDE_@}"

for example in "$examples"/*.sh; do
  folder=$(mktemp -d)
  if (cd "$folder" && sh "$example" >output 2>&1); then
    echo "ok       ${example##*/}"
  else
    echo "FAILED   ${example##*/}"
    cat "$folder/output"
    exit 1
  fi
  rm -rf "$folder"
done
