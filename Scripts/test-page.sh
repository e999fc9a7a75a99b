#!/usr/bin/env bash
# The reader's page in a real browser, Debian's Chromium, on a real gibsey-serve with a scripted model.
# Usage: test-page.sh FOLDER-OF-THE-PROGRAMS [TEST…]
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v chromium >/dev/null && [ -z "${CHROMIUM:-}" ]; then
  Scripts/setup.sh chromium || { echo "skipped  the page: there is no chromium" >&2; exit 0; }
fi
unset "${!GIBSEY_@}" "${!OPENAI_@}" "${!OLLAMA_@}" "${!ANTHROPIC_@}" "${!CLAUDE_@}"
PYTHONDONTWRITEBYTECODE=1 exec python3 Tests/PageTests/test_page.py "$@"
