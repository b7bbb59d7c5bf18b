"""The English catalogue: what to do next where a check fails, by its kind, what of it fails, and how."""

from __future__ import annotations

# Where the monitor could not look.
BLIND = "The monitor could not look; that does not say that anything is broken. Put right what it names above, then check again."

_FILE_SYSTEM = {
    "unmounted": (
        "It is no longer mounted. See whether its device is there, then mount it again; write nothing to that path before."
    ),
    "replaced": "Another file system is mounted there. See whether that was meant; if not, mount the former one again.",
    "device": "The device is gone. Look in the kernel's log for the disk and how it is connected.",
    "access": "The file system cannot be read. See whether it is mounted, and look for I/O errors in the kernel's log.",
    "read_only": (
        "It has become read-only. Look for errors of the disk in the kernel's log first; remount it writable only where there "
        "are none."
    ),
}
_WORSE = "Predictions and what became of them differ. Look at the last change of model, and at what the inputs have become."
_NOT_ASKED = "The ML server could not be asked. See first whether it answers."
_NOT_KEPT = "The ML server no longer keeps this. Look at its setting ML_STATE_DIR."
_FIGURES = (
    *("sensitivity", "specificity", "roc_auc", "accuracy", "brier", "calibration_slope", "calibration_intercept"),
    *("mae", "rmse", "coverage", "figures_worse"),
)
_NO_SUCH_ADDRESS = "The service answers, but has no such address. See first whether the url in the monitor's settings is right."

# (kind, aspect), or (kind, aspect, how) where it depends on that: what is not here has no advice.
RUNBOOKS: dict[tuple[str, ...], str] = {
    ("service", "unit"): (
        "Read in the log why the service has stopped, then start it again. If it stops at once, look at "
        "its settings and take the last deployment back."
    ),
    ("service", "unit", "activating"): (
        "The service does not come up. See in the log what fails while it starts; look at its settings, or take the last "
        "deployment back."
    ),
    ("service", "unit", "deactivating"): (
        "The service is being stopped. If that does not end, see in the log what it waits for."
    ),
    ("service", "unit", "not-found"): (
        "There is no unit of that name. See whether the service is installed, and whether the unit in the monitor's settings "
        "is right."
    ),
    ("service", "unit", "masked"): "The unit is masked: it cannot be started. See why that was done, then unmask and start it.",
    ("service", "unit", "bad-setting"): "The unit's file is wrong, so it cannot be started. See which line it is, and mend it.",
    ("service", "unit", "error"): "systemd cannot read the unit's file. See whether it is there and readable.",
    ("service", "http"): (
        "The process runs, but does not answer as it should. See in the log and the load what it waits for; restart it if that "
        "does not pass."
    ),
    ("service", "http", "status"): (
        "The service runs, and answers with an error. Find that error in its log and mend it; after a deployment, taking that "
        "back is a way."
    ),
    ("service", "http", "no_address"): _NO_SUCH_ADDRESS,
    ("http", "http"): "See whether the service is alive, then whether Nginx before it passes requests on to the right place.",
    ("http", "http", "status"): "The address answers with an error. Find it in the log of the service behind.",
    ("http", "http", "no_address"): _NO_SUCH_ADDRESS,
    ("golden", "answer"): "The model may be giving wrong values. See first which version is served.",
    ("golden", "fallback"): (
        "The predictions are right, but another version is served than the new one. There is nothing to roll back: see why the "
        "new version could not be loaded, and mend that."
    ),
    ("golden", "changed"): (
        "The predictions are right, and the model from before the change is served. See who has changed the files; add a new "
        "model under a new version number."
    ),
    ("golden", "samples"): (
        "There are no samples to compare predictions with. Look at the ML server's, or at sample in the monitor's settings."
    ),
    ("golden", "refused"): "A prediction that was asked for is not answered as it should be. Look at the ML server and its log.",
    ("golden", "latency"): "The predictions are right, but slow. Look at the server's load and at how much is asked of it.",
    **{("feedback", name): _WORSE for name in _FIGURES},
    ("feedback", "off"): _NOT_KEPT,
    ("feedback", "refused"): _NOT_ASKED,
    ("drift", "drifted"): (
        "The inputs are not what the model was made with. See which have changed, and ask where they come from."
    ),
    ("drift", "missing"): "Values are missing more or less often than in training. Ask whoever sends them what has changed.",
    ("drift", "answers"): (
        "The predictions are not spread as in training. Look at what the inputs have become, and at the last change of model."
    ),
    ("drift", "off"): _NOT_KEPT,
    ("drift", "refused"): _NOT_ASKED,
    ("disk", "usage"): "Find what is large, and delete or move it: logs and old backups first.",
    ("disk_trend", "trend"): ("The disk will be full at this rate. Find what is growing; clear it up, or add room."),
    ("disk_trend", "full"): "The disk stays full. Clear up what is large, or add room.",
    ("inodes", "usage"): "There are too many small files. Clear sessions, caches and temporary files.",
    **{(kind, aspect): text for kind in ("disk", "inodes", "disk_trend") for aspect, text in _FILE_SYSTEM.items()},
    ("memory", "usage"): "Find what takes the memory, and restart or reduce it.",
    ("swap", "usage"): "Memory is short and swap is in use. See what takes the memory.",
    ("oom", "kills"): "A process was killed for lack of memory. See which one, and whether it is back.",
    ("cpu", "load"): "Find what takes the CPU. If it is a job that ends, wait for it.",
    ("restarts", "restarts"): "The service breaks off again and again. Find in the log how it ends.",
    ("journal", "errors"): "Errors have increased in the log. Begin with the first of them.",
    ("nginx_log", "share"): "Nginx answers with errors. See whether the service behind it answers.",
    ("nginx_log", "errors"): "Nginx logs more errors. Read which they are, and look at the service behind it.",
    ("tls", "expiry"): "The certificate is about to expire. Renew it, then reload Nginx.",
    ("tls", "expired"): "The certificate has expired, and visitors are warned. Renew it now, then reload Nginx.",
    ("tls", "not_yet_valid"): (
        "The certificate's time has not begun. Look at this machine's clock; if that is right, put a certificate in its place "
        "that is valid now."
    ),
    ("tls", "trust"): (
        "The certificate is not trusted. See whether its name is right, and whether the intermediate certificates are installed."
    ),
    ("tls", "handshake"): "No TLS connection can be made. Look at the server's TLS settings and certificate files.",
    ("tls", "answer"): "Nobody answers at the TLS address. It may not be the certificate: see first whether Nginx is alive.",
    ("backup", "age"): "There is no new backup. See whether its job has run, and whether there is room.",
    ("backup", "size"): "The backup's size is far from the one before. See whether it was written to its end and is whole.",
    ("backup", "missing"): (
        "There is no backup. See whether its job has run, and whether the path in the monitor's settings is right."
    ),
    ("health_body", "status"): "The site itself says that something is wrong, but not what. Look at its log.",
    ("health_body", "entries"): "The site itself says that something is wrong. Begin with the part that has failed.",
    ("health_body", "blamed"): "The site says that a service it uses is not well. Begin with that service.",
    ("health_body", "answer"): (
        "The site's health address does not answer. See whether the site, and what stands before it, is alive."
    ),
    ("health_body", "answer", "body"): (
        "The site answers, but not with health JSON. See whether it is the right address, and whether a deployment has changed "
        "the answer."
    ),
    ("health_body", "answer", "status"): "The health address answers with an error. Find it in the site's log.",
    ("health_body", "answer", "no_address"): _NO_SUCH_ADDRESS,
    ("updates", "pending"): "Security updates wait. Install them at a quiet hour.",
    ("updates", "lists"): "The lists of packages are old, so nobody knows whether there are updates. Bring them up to date.",
    **{
        ("log_rotation", aspect): "Logs are not rotated. Look at logrotate's configuration and timer."
        for aspect in ("rotated", "ran", "never")
    },
    ("monitor", "database"): (
        "The monitor cannot store its records. A restart may lose the last of them: mend what it says first."
    ),
    ("monitor", "loss"): "The records were begun afresh. Keep the file that was moved aside, and look at the disk.",
    ("monitor", "log"): "The monitor cannot write its log file. Look at the disk's room and the file's permissions.",
    ("monitor", "config"): (
        "The monitor goes on watching and telling by the settings from before. Mend the error in them: it does not start with "
        "it if it is restarted before."
    ),
    ("monitor", "channel"): (
        "Nothing is told through this channel. Look at the receiver's address and password and at the network, then send a "
        "test alert."
    ),
    ("monitor", "trying"): (
        "Sending through this channel failed, and is tried again. If that lasts, look at the receiver and the network."
    ),
}
