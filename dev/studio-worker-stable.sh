#!/usr/bin/env bash
# The worker without a window, as it was built last, not disturbed by edits: docs/operations/dev-loop.md
unset DISPLAY WAYLAND_DISPLAY
exec "$(dirname "${BASH_SOURCE[0]}")/lib/stable.sh" run "$@"
