"""The English catalogue: what to do next where a check fails, by its kind."""

from __future__ import annotations

RUNBOOKS = {
    "service": (
        "Read in the log why the service has stopped, then start it again. If it stops at once, look at "
        "its settings and take the last deployment back."
    ),
    "http": "See whether the service is alive, then whether Nginx before it passes requests on to the right place.",
    "golden": "The model may be giving wrong values. See which version is served, and roll back to the one before.",
    "feedback": (
        "Predictions and what became of them differ. Look at the last change of model, and at what the inputs have become."
    ),
    "drift": "The inputs are not what the model was made with. See which have changed, and ask where they come from.",
    "disk": "Find what is large, and delete or move it: logs and old backups first.",
    "disk_trend": "The disk will be full at this rate. Find what is growing; clear it up, or add room.",
    "inodes": "There are too many small files. Clear sessions, caches and temporary files.",
    "memory": "Find what takes the memory, and restart or reduce it.",
    "swap": "Memory is short and swap is in use. See what takes the memory.",
    "oom": "A process was killed for lack of memory. See which one, and whether it is back.",
    "cpu": "Find what takes the CPU. If it is a job that ends, wait for it.",
    "restarts": "The service restarts again and again. Find in the log how it ends.",
    "journal": "Errors have increased in the log. Begin with the first of them.",
    "nginx_log": "Nginx answers with errors. See whether the service behind it answers.",
    "tls": "The certificate is about to expire. Renew it, then reload Nginx.",
    "backup": "The backup is missing or old. See whether its job has run, and whether there is room.",
    "health_body": "The site itself says that something is wrong. Begin with the part that has failed.",
    "updates": "Security updates wait. Install them at a quiet hour.",
    "log_rotation": "Logs are not rotated. Look at logrotate's configuration and timer.",
    "monitor": "The monitor may be unable to tell or to record. Mend what it says first.",
}
