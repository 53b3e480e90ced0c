#!/usr/bin/env bash
# The worker with its window, as it was built last, not disturbed by edits: docs/operations/dev-loop.md
export DISPLAY="${DISPLAY-:0}"
exec "$(dirname "${BASH_SOURCE[0]}")/lib/stable.sh" ui "$@"
