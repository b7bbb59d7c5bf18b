#!/usr/bin/env bash
# One health check, by hand: the same as `sudo neuronova-health-check`. Results: 0 OK, 1 WARNING, 2 CRITICAL,
# 3 could not be found out.
set -euo pipefail

if [ ! -x /usr/local/bin/neuronova-health-check ]; then
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    echo "NeuroNova is not installed on this server. Install it: sudo bash $here/setup_monitoring.sh" >&2
    exit 3
fi
exec /usr/local/bin/neuronova-health-check "$@"
