"""Say who holds an address that the programs are to listen on: `python tools/check_addresses.py HOST:PORT ...`."""

from __future__ import annotations

import errno
import shlex
import socket
import sys

import psutil


def is_taken(host: str, port: int) -> bool:
    """Tell whether somebody listens there; what else may be wrong with an address the program says itself."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return False
    except OSError as error:
        return error.errno == errno.EADDRINUSE


def holder(port: int) -> psutil.Process | None:
    """Return the process that listens on a port; None where it may not be seen."""
    listening = [each for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    process = next((psutil.Process(each.pid) for each in listening if each.laddr and each.laddr.port == port and each.pid), None)
    # A worker shares the socket of its master, which would only make another one.
    while process and (parent := process.parent()) and parent.cmdline() == process.cmdline():
        process = parent
    return process


def complaint(address: str) -> str:
    """Return who holds an address and what to do about it, or nothing when it is free."""
    host, _, port = address.rpartition(":")
    if address.startswith("unix:") or not is_taken(host.strip("[]"), int(port)):
        return ""
    process = holder(int(port))
    if process is None:
        return f"{address} is taken by a process of another user; `sudo ss -ltnp` shows which."
    return (
        f"{address} is taken by {process.name()}, process {process.pid}: {shlex.join(process.cmdline())}\n"
        f"End it with Ctrl-C in its terminal, or: kill {process.pid}"
    )


def main() -> None:
    """Complain of every address that is taken, and end with 1 then."""
    complaints = [text for text in map(complaint, sys.argv[1:]) if text]
    if complaints:
        sys.exit("\n".join([*complaints, "Nothing was started."]))


if __name__ == "__main__":
    main()
