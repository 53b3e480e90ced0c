#!/usr/bin/env bash
# The worker without a window, built anew and restarted on every edit: docs/operations/dev-loop.md
unset DISPLAY WAYLAND_DISPLAY
exec "$(dirname "${BASH_SOURCE[0]}")/lib/watching.sh" run "$@"
