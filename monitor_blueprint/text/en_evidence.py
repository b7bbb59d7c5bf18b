"""The English catalogue's lines of what helps to understand a failure."""

from __future__ import annotations

TITLES = {
    "unit": "How it ended",
    "exception": "Application exception",
    "journal": "Journal",
    "processes_cpu": "Processes by CPU",
    "processes_memory": "Processes by memory",
    "oom": "Out-of-memory kills",
    "nginx_5xx": "Recent 5xx",
    "disk": "What fills the disk",
    "threads": "Threads",
    "answers": "Earlier answers",
}
DISK_FREE = "{free} free of {total}"
DISK_UNSEEN = "directories not seen for lack of permission: {count}"
DISK_CUT = "seen in part, for lack of time. All: sudo du -xh -d2 {path} | sort -h | tail"
MORE_PROCESSES = "{count} more processes"
NO_RECORDS = "nothing recorded around this time (since {begin})"
OWN_EXCEPTION = "an exception of the application's own"
EXCEPTIONS = "{at} exception: {name} ×{count}"
LARGEST = "the process that uses most: {who} ({share}%)"
KERNEL_LINE = "{at} the kernel killed a process for lack of memory ({who})"
STATUS = "{status}: {count} times"

MAIN_PROCESS = "main process"
CONTROL_PROCESS = "control process ({command})"
RUN_ENDED = "{process} ended: {how} · {at} · automatic restarts: {restarts}"
RUN_CODES = {"exited": "exit code {status}", "killed": "signal {status}", "dumped": "signal {status} (core dumped)"}
RUN_RESULTS = {
    "oom-kill": "killed for lack of memory",
    "watchdog": "killed by systemd because it did not answer (watchdog)",
    "timeout": "killed by systemd because it did not start or stop in time",
}
RUN_RESOURCES = "could not be prepared to start: see whether the files that the unit reads are there - {files}"
RUN_SETTINGS = "error in its settings: look at {files}"
RUN_SETTINGS_SOMEWHERE = "error in its settings: look at the service's configuration"
RUN_SETTINGS_COMMAND = "which setting is wrong: {command}"
GUNICORN_CODES = {
    1: "gunicorn could not start: look at its settings and its address (port)",
    3: "gunicorn could not bring up a worker: the application ended while starting",
    4: "gunicorn could not load the application",
}
EXIT_MEANINGS = {
    126: "no permission to run the command that the unit calls",
    127: "the command that the unit calls does not exist",
    200: "the working directory cannot be entered",
    203: "the program is missing or cannot be run: {program}",
    216: "the unit's group does not exist",
    217: "the unit's user does not exist",
    226: "the unit's isolation (namespaces) could not be set up: see whether the directories that it uses are there",
    238: "the state directory cannot be made",
    240: "the log directory cannot be made",
}
