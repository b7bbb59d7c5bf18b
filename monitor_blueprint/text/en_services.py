"""The English catalogue's lines of services, sites, logs and certificates, and of the monitor itself."""

from __future__ import annotations

from monitor_blueprint.text.texts import Texts

_RAN = "Log rotation: ran {at}"
LINES: dict[tuple[str, str], Texts] = {
    ("service", "unit"): Texts("{name}: running{real_unit}", bad="{name}: {how} ({state}{real_state}{result})"),
    ("service", "exited"): Texts(
        "{name}: only its start job has ended ({unit}, {state}) - no process runs, so whether the service is alive is not known."
        " Configure the real unit, or a url"
    ),
    ("service", "http"): Texts("{name} API: answers (HTTP {http_status})", bad="{name} API: no proper answer ({reason})"),
    ("service", "absent"): Texts("{name}: no systemd unit {unit} (not checked)"),
    ("service", "no_unit"): Texts("{name}: no systemd unit {unit} (only the address is checked)"),
    ("http", "http"): Texts("{name}: answers (HTTP {http_status})", bad="{name}: no proper answer ({reason}){at_address}"),
    ("health_body", "status"): Texts("Django's health answer: {body_status}", bad="Django's health answer: {body_status}"),
    ("health_body", "entries"): Texts("Django's own checks: {count} OK", bad="Django's own checks failed: {entries}"),
    ("health_body", "blamed"): Texts(bad="Services behind Django that it reports as down: {entries}"),
    ("health_body", "answer"): Texts(bad="Django's health: {kind_of_answer} ({reason})"),
    ("golden", "answer"): Texts(
        "ML predictions: all {samples} samples as expected (version {model_version}{digest})",
        bad="ML predictions: {wrong} ({of_model}sample {sample}{of_file}, {field}: {got}, expected {expected}){at_address}",
    ),
    ("golden", "fallback"): Texts(
        bad="ML model: version {model_version} is served instead of {due_version} (why: sudo neuronova-model status)"
    ),
    ("golden", "changed"): Texts(
        bad="ML model: a file of version {model_version} has changed since it was loaded; what was loaded is still served"
        " (give the new file a new version)"
    ),
    ("golden", "samples"): Texts(bad="ML predictions: no samples to be had ({reason}){at_address}"),
    ("golden", "refused"): Texts(bad="ML predictions: no proper answer ({reason}){at_address}"),
    ("golden", "latency"): Texts(
        "ML response time: {value}ms (OK)", "ML response time: {value}ms (warning)", "ML response time: {value}ms (critical)"
    ),
    ("restarts", "steady"): Texts("Service restarts: none in the last {minutes} min"),
    ("restarts", "restarts"): Texts(
        "Service restarts: {units} (last {minutes} min)",
        bad="Services that stop again and again: {units} (last {minutes} min)",
        limit="more than {most}",
    ),
    ("restarts", "renewed"): Texts("{units}: restarted by hand"),
    ("restarts", "workers"): Texts("Worker processes replaced: {workers}"),
    ("oom", "kills"): Texts(
        "Out-of-memory kills: {kills} in the last {minutes} min",
        bad="Out-of-memory kills: {kills} in the last {minutes} min ({names})",
        limit="{at}",
    ),
    ("journal", "errors"): Texts(
        "Error log: {errors} in the last {minutes} min ({rate:g}/min)",
        bad="Error log: {errors} in the last {minutes} min, far more than usual ({rate:g}/min, {unit})."
        " More: journalctl -u {unit}",
    ),
    ("nginx_log", "share"): Texts(
        "Nginx 5xx: {value}% (last {minutes} min: {failed} of {requests} requests, OK)",
        "Nginx 5xx: {value}% (last {minutes} min: {failed} of {requests} requests, warning){codes}",
        "Nginx 5xx: {value}% (last {minutes} min: {failed} of {requests} requests, critical){codes}",
    ),
    ("nginx_log", "quiet"): Texts("Nginx 5xx: {requests} requests, too few to judge"),
    ("nginx_log", "errors"): Texts(
        "Nginx error log: {lines} in the last {minutes} min",
        bad="Nginx error log: {lines} in the last {minutes} min ({level}). More: /var/log/nginx/error.log",
        limit="{most} in {limit_min:g} min",
    ),
    ("tls", "expiry"): Texts(
        "TLS certificate: {days} d left ({where}{place}, until {until})",
        bad="TLS certificate: expires {in_days} ({where}{place}, {until}{issued_by})",
        limit="{limit_days:g} d",
    ),
    ("tls", "expired"): Texts(bad="TLS certificate: expired {until} ({where}{place}{issued_by})"),
    ("tls", "not_yet_valid"): Texts(bad="TLS certificate: not valid yet ({where}{place})"),
    ("tls", "trust"): Texts("TLS certificate: trusted ({server})", bad="TLS certificate: not trusted ({server}, {reason})"),
    ("tls", "handshake"): Texts(bad="TLS connection: failed ({server}, {reason})"),
    ("tls", "answer"): Texts(bad="TLS connection: no answer ({server}, {reason})"),
    ("backup", "age"): Texts(
        "Backup: {ago} ({file})", bad="Backup: no new one for {hours} h ({file}, last {at})", limit="{limit_h:g} h"
    ),
    ("backup", "size"): Texts(
        "Backup size: {size} (OK)",
        bad="Backup size: {size}, {percent}% of the backup before ({file})",
        limit="less than {limit_percent:g}% of the backup before",
    ),
    ("backup", "missing"): Texts(bad="Backup: no file ({pattern})"),
    ("updates", "pending"): Texts(
        "Security updates: {count} waiting",
        bad="Security updates: {count} waiting for too long (apt list --upgradable)",
        limit="{most}",
    ),
    ("updates", "lists"): Texts(
        "Package lists: brought up to date {days_ago}",
        bad="Package lists: not brought up to date for {days} d",
        limit="{limit_days:g} d",
    ),
    ("log_rotation", "rotated"): Texts(
        _RAN, bad="Log rotation: has not run for {days} d ({path}, last {at})", limit="{limit_days:g} d"
    ),
    ("log_rotation", "ran"): Texts(_RAN, bad="Log rotation: has not run for {days} d (last {at})", limit="{limit_days:g} d"),
    ("log_rotation", "never"): Texts(bad="Log rotation: has never run ({path})"),
    ("monitor", "database"): Texts("Database: OK", bad="Database: cannot be used, kept in memory meanwhile ({reason})"),
    ("monitor", "loss"): Texts(
        bad="Database: was damaged and begun anew; earlier records and the incident that was open may be gone ({file})"
    ),
    ("monitor", "log"): Texts("Log file: OK", bad="Log file: cannot be written ({reason})"),
    ("monitor", "config"): Texts(
        "Configuration: OK",
        "Configuration: {reason}",
        "Configuration: what was changed has an error, the one before is in use ({reason})",
    ),
    ("monitor", "channel_slack"): Texts("Slack alerts: OK", bad="Slack alerts: not delivered ({reason})"),
    ("monitor", "trying_slack"): Texts(bad="Slack alerts: not delivered, trying again ({reason})"),
    ("monitor", "trying_email"): Texts(bad="Mail alerts: not delivered, trying again ({reason})"),
    ("monitor", "channel_email"): Texts("Mail alerts: OK", bad="Mail alerts: not delivered ({reason})"),
}

OF_MODEL, OF_FILE = "version {model_version}, ", " ({file})"
ISSUED_BY = ", issued by {issuer}"
CODES = " · HTTP {codes}"
STOPPED, STOPPING = "down", "stopping"
NOT_STARTED, STARTING = "not started", "has not finished starting"
ANSWERED, NOT_ANSWERED = "not a proper answer", "no answer"
STATES = {
    "inactive/dead": "stopped without an error, by systemctl stop or the like",
    "deactivating/": "not down yet",
    "activating/auto-restart": "waiting to be started again",
    "activating/": "starting",
}
RESULTS = {
    "exit-code": "ended with an error code",
    "signal": "killed (signal)",
    "core-dump": "crashed, core dumped",
    "oom-kill": "killed for lack of memory",
    "timeout": "over the unit's time limit (TimeoutStartSec, TimeoutStopSec)",
    "watchdog": "did not answer and was killed by the watchdog",
    "start-limit-hit": "restarted too often",
    "resources": "lack of resources",
    "protocol": "wrong way of starting",
    "dependency": "a unit that it needs did not start",
    "exec-condition": "a condition for its start is not met",
}

WRONG = {
    "body": "the answer cannot be read",
    "ok": "the prediction was refused",
    "model_name": "another model has answered",
    "model_version": "another version of the model has answered",
}
WRONG_PREDICTION = "wrong prediction"

REASONS = {
    "refused": "connection refused",
    "timeout": "timed out",
    "reset": "connection reset",
    "certificate": "certificate error",
    "name": "the name cannot be resolved",
    "no_socket": "no socket file",
    "permission": "no permission to use the socket. Add its group by systemctl edit gunicorn_monitor: SupplementaryGroups=",
    "unreachable": "host unreachable",
    "tls": "TLS connection failed",
    "no_http": "the answer is not HTTP",
    "status": "HTTP {http_status}",
    "certificates": "{count} certificates that cannot be read: {why_text}",
    "no_address": "HTTP {http_status}: no such address. Correct the url of {name} in {config}",
    "text": "the expected text is missing",
    "no_json": "not JSON",
    "json": "{field} is not {expected}",
    "body": "HTTP {http_status}, but no JSON of its health",
    "no_samples": "the ML server gives no samples, HTTP {http_status}. Name a file of samples as sample of {name} in {config}",
    "lost_samples": "the server that answers gives samples no longer, HTTP {http_status}",
    "key": "ML_API_KEY is not the ML server's, HTTP {http_status}",
}
TIMEOUT_WITHIN = "no answer within {within_s:g} s"
LATE = {
    r"([\w./-]+) did not end in time \((\d+) s\)": r"\1 did not end within \2 s",
    r"no answer from the probe for (\d+) s": r"the check has not ended after \1 s",
    r"not reached before the deadline of the round": "not checked this time: the checks before it took too long",
    r"systemd did not answer: TimeoutError within ([\d.]+) s": r"systemd did not answer within \1 s",
}

REPLACED = {
    ("email", "sendmail"): "Mail goes by SMTP_HOST, or by this server's own mail server (localhost:25) where that is not set.",
}
