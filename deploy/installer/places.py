"""Where everything is on a server."""

from __future__ import annotations

from pathlib import Path

from deploy.installer import logfiles

TREE = Path(__file__).resolve().parents[2]
"""The tree that this installer came with."""

HOME = Path("/opt/neuronova")
RELEASES = HOME / "releases"
CURRENT = HOME / "current"
# The defaults as last shipped: what tells a changed default from a changed setting.
SHIPPED = HOME / "defaults"
SETTINGS = Path("/etc/neuronova")
STATE = Path("/var/lib/neuronova")
LOGS = Path("/var/log/neuronova")
# Not below STATE, which the ML server does not see.
MODELS = Path("/var/lib/neuronova-models")
ML_STATE = Path("/var/lib/neuronova-ml")
LOG_FILES = logfiles.NAMES
BEFORE = STATE / "before"
RUN = BEFORE / "run"
UNITS = Path("/etc/systemd/system")
LOGROTATE = Path("/etc/logrotate.d/neuronova")
BIN = Path("/usr/local/bin")
COMPLETIONS = Path("/usr/share/bash-completion/completions")
MAN = Path("/usr/local/share/man/man8")
# In a directory of root's alone: an ordinary user cannot open it, and so cannot hold the lock.
LOCK = Path("/run/neuronova-setup/lock")

MONITOR_UNIT = "gunicorn_monitor.service"
DEADMAN_SERVICE = "neuronova-deadman.service"
DEADMAN_TIMER = "neuronova-deadman.timer"
ML_UNIT = "gunicorn_flask.service"
ML_UNIT_BESIDE = "gunicorn_ml_server.service"
DJANGO_UNIT = "gunicorn_django.service"
NGINX_UNIT = "nginx.service"
OURS = (ML_UNIT, ML_UNIT_BESIDE, MONITOR_UNIT, DEADMAN_SERVICE, DEADMAN_TIMER)
COMMANDS = ("neuronova-health-check", "neuronova-monitor")
ML_COMMANDS = ("neuronova-model",)
MONITOR_USER = "neuronova"
ML_USER = "neuronova-ml"
USER_COMMENT = "NeuroNova"
ML_PORT = 9000
ML_PORT_BESIDE = 9002
MONITOR_PORT = 9001
DJANGO_PORT = 8000

# One of these stands in every file that we install under a name that somebody else's file may have too.
_OUR_WORDS = (
    b"/opt/neuronova/current/",  # units, commands
    b"monitor_blueprint",  # commands
    b"is the monitor itself alive?",  # the timer
    b"The monitor notices that its file was moved away",  # logrotate
    b"_neuronova()",  # completion
    b".TH NEURONOVA-",  # manual pages
)


def is_ours(content: bytes) -> bool:
    """Tell whether a file of one of our names is one that we have installed, edited since or not."""
    return any(word in content for word in _OUR_WORDS)
