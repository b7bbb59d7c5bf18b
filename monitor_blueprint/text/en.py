"""The English catalogue: what the pages say of checks and of the monitor, with the names that it has in the Korean one.

What is missing here stands in no page: logs, messages and commands are Korean.
"""

from __future__ import annotations

from monitor_blueprint.domain.models import Status
from monitor_blueprint.text import en_access, en_models
from monitor_blueprint.text.texts import Texts

# --- Words that stand in many places

UNITS = ((86400, " d"), (3600, " h"), (60, " min"), (1, " s"))
NEVER = "none"
MEASURES = {"d": " d", "h": " h", "min": " min", "/min": "/min"}


# --- What a reading says

TITLES = {
    "Flask": "Flask ML server",
    "disk": "Disk usage",
    "memory": "Memory usage",
    "cpu": "CPU load",
    "service": "{name}",
    "health_body": "Django's own checks",
    "golden": "ML predictions",
    "restarts": "Service restarts",
    "oom": "Out-of-memory kills",
    "journal": "Error log",
    "nginx_log": "Nginx log",
    "tls": "TLS certificate",
    "inodes": "Inode usage",
    "swap": "Swap usage",
    "disk_trend": "Disk growth",
    "backup": "Backup",
    "updates": "Security updates",
    "log_rotation": "Log rotation",
    "monitor": "The monitor itself",
} | en_models.TITLES
GENERAL = Texts("{name}: {aspect} OK{shown}", "{name}: {aspect} warning{shown}", "{name}: {aspect} critical{shown}")
ABSENT = Texts("{name}: not on this server (not checked)")
STATES = {
    "not-found": "no such systemd unit",
    "masked": "masked, cannot be started. Remedy: systemctl unmask {unit}",
    "bad-setting": "error in the unit file. Remedy: systemd-analyze verify {unit}",
    "error": "the unit file cannot be read. Remedy: systemctl status {unit}",
}
WITHHELD = "withheld"
LOOK = "{line} - more: sudo neuronova-monitor status"
AND_OTHERS = "{names} and {count} more"
ONLY_OTHERS = "{count} whose names are withheld"
LIMITS = {Status.WARNING: " · warning from {limit}", Status.CRITICAL: " · critical from {limit}"}
CLEARED = "{limit} (clears below {clear})"
BOTH_LIMITS = " · warning from {warning}, critical from {critical}"
UNKNOWN = "{name}: cannot be checked ({reason})"
SETTLING = "{name}: restarting ({state}){limit}"
LIMIT = " - has {limit_s} s to start, then it is alerted as a failure"
WARMING_UP = "{name}: waiting for an answer ({reason}) - checked again shortly"
NOT_READY = "{name}: no proper answer yet ({reason}) - checked again shortly"
LOOKED_AT_AGAIN = " - checked again shortly"
NOTHING_SEEN = "{name}: no result"
SAID = {"model_name_text": "model: {said}", "entries_text": "entries: {said}"}
AT_ADDRESS = " - {address}"


# --- Why a check stands as it does

STANDINGS = {
    "failing": "down since {since}",
    "consequence": "since {since} · because of {causes}",
    "unseen": "cannot be seen since {since}",
    "unstable_down": "unstable (changed {changes} times of late) · down since {since}",
    "unstable_up": "unstable (changed {changes} times of late) · well since {since}, watched for longer",
    "improved": "no more than a warning since {since} · told as recovered once it is well",
    "awaited": "well since {since} · told as recovered once what goes with it has been checked again",
    "unconfirmed": "looks bad since {since} · alerted if the next check confirms it",
    "settling": "watched since {since} · checked again shortly",
    "warned": "warning since {since} · recorded, not alerted",
}
LIKELY_CAUSE = "likely cause: {causes}"
NO_REASON = "no reason given"
SILENCED_NOTE = "silenced (until {until}, {why})"
MORE_NAMES = "{names} and {count} more"


# --- What is the matter with the monitor itself

NO_CHANNEL = "No alert channel is configured: set SLACK_WEBHOOK or ALERT_EMAIL"
CHANNEL_FAULT = "Alert channel file that cannot be used: {reason}"
GIVEN_UP = "never acknowledged, so only news is sent. Try it: sudo neuronova-monitor check-config --send"
CHANNEL_HEALTH = {"failing": "retrying", "refused": "refused", "in_doubt": "not acknowledged", "given_up": GIVEN_UP}
CHANNEL_REMARK = "{name} alerts are sent, but need a look: {remark}"
REPLACED_KEY = "Setting [[channel]] {kind}: {key} is no longer used and is ignored. {remedy} Delete that line"
NO_ANSWER = "no answer"
CHECK_CONFIG = "{path}. Look: sudo neuronova-monitor check-config"
LOG_CURE = " - its owner has changed. Remedy: systemctl restart gunicorn_monitor"
NOBODY_LET_IN = "There is no administrators' token: nobody can sign in"
NO_LOCK = "The lock file cannot be made ({reason}) - locked without a file"


# --- The story: what people did, and what befell the monitor

STORY = {
    "acked": "Incident {number} taken by {by}",
    "silenced": "{check} silenced until {until} (number {number}, {by}: {why})",
    "unsilenced": "Silence {number} ended by {by}",
    "started": "Monitor started",
    "stopped": "Monitor stopped",
    "restarted": "Monitor restarted",
    "configured": "Configuration changed",
    "renewed": "Service restarted by hand: {units}",
} | en_access.STORY
STORY_REREAD = "The monitor has read its configuration again"
STORY_CUT = " (the run before was cut off)"
STORY_CONFIGURED = ", configuration changed"
STORY_CHANGES = {"added": ", checks added: {names}", "removed": ", checks removed: {names}"}
