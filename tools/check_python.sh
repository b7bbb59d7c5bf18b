#!/bin/sh
# Say what a Python lacks before anything is installed with it: check_python.sh [PYTHON]
python=${1:-python3}
if ! command -v "$python" >/dev/null; then
    echo "There is no $python. Install Python 3.11 or newer (sudo apt install python3 python3-venv)," >&2
    echo "or name the one that you have, for example: make run PYTHON=python3.12" >&2
    exit 1
fi
# What it prints counts, not how it ends: something that is no Python may end well.
found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2] + (" fine" if sys.version_info >= (3, 11) else ""))' 2>/dev/null)
if [ "${found% fine}" = "$found" ]; then
    echo "$python is $("$python" --version 2>&1 | head -n 1); Python 3.11 or newer is needed (Debian 12, Ubuntu 24.04)." >&2
    echo "Where a newer one is installed, name it, for example: make run PYTHON=python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import venv; from ensurepip import version' 2>/dev/null; then
    echo "$python cannot make an environment: it lacks venv or ensurepip." >&2
    echo "Install them: sudo apt install python${found% fine}-venv" >&2
    exit 1
fi
