#!/usr/bin/env bash
# The worker with its window, built anew and restarted on every edit: docs/operations/dev-loop.md
export DISPLAY="${DISPLAY-:0}"
exec "$(dirname "${BASH_SOURCE[0]}")/lib/watching.sh" ui "$@"
