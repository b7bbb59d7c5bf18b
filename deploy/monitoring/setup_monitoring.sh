#!/usr/bin/env bash
# Installs, upgrades and removes NeuroNova's monitor and ML server on Debian 12 and Ubuntu 24.04, or newer.
#
#   sudo bash setup_monitoring.sh                 install, or upgrade to the version this script came with
#   sudo bash setup_monitoring.sh --dry-run       say what is here and what would be done, change nothing
#   sudo bash setup_monitoring.sh --uninstall     remove the programs; settings, logs and history stay
#   sudo bash setup_monitoring.sh --help          everything else
#
# The work is done in Python, in deploy/installer; this only finds a Python that is new enough.
set -euo pipefail

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if [ ! -f "$tree/deploy/installer/__main__.py" ]; then
    echo "$tree is not a whole NeuroNova tree. Copy the whole directory to the server and run it from there." >&2
    exit 1
fi
for python in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$python" > /dev/null && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        # Nothing is left behind in the tree, which is somebody's own.
        cd "$tree"
        PYTHONDONTWRITEBYTECODE=1 exec "$python" -m deploy.installer "$@"
    fi
done
echo "Python 3.11 or newer is needed: sudo apt-get install python3 python3-venv" >&2
exit 1
