"""Who listens where: addresses, the processes behind them, and the systemd units that these belong to (proc(5))."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LISTEN = "0A"
_ACCEPTS = 0x10000  # __SO_ACCEPTCON
_UNIT = re.compile(r"/([^/]+\.service)(?:/|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Listener:
    """An address that somebody listens at.

    Attributes:
        address: "127.0.0.1:8000", "[::]:80", or "unix:" and a path.
        unit: the systemd unit of the process; empty where it is of none (or hidden).
        command: name of the program.
    """

    address: str
    unit: str = ""
    command: str = ""

    @property
    def port(self) -> int:
        """Return the port; 0 of a unix socket."""
        return 0 if self.address.startswith("unix:") else int(self.address.rpartition(":")[2])

    @property
    def who(self) -> str:
        """Return who listens, for people."""
        return self.unit or self.command or "a process that could not be found"


def listeners(proc: Path = Path("/proc")) -> tuple[Listener, ...]:
    """Return everybody that listens on this machine (network namespace)."""
    sockets = {**_internet(proc), **_unix(proc)}
    owners = _owners(proc, sockets)
    return tuple(
        Listener(address, *owners.get(inode, ("", ""))) for inode, address in sorted(sockets.items(), key=lambda each: each[1])
    )


def unit_in(cgroup: str) -> str:
    """Return the unit that a process belongs to by its /proc/PID/cgroup; the innermost service."""
    found = _UNIT.findall(cgroup)
    return found[-1] if found else ""


def _internet(proc: Path) -> dict[str, str]:
    found = {}
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (proc / "net" / name).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN:
                    found[fields[9]] = _address(fields[1])
    return found


def _address(text: str) -> str:
    """Return "0100007F:1F90" as "127.0.0.1:8000": words of 32 bits in the machine's own order."""
    host, _, port = text.partition(":")
    packed = b"".join(struct.pack("=I", int(host[at : at + 8], 16)) for at in range(0, len(host), 8))
    if len(packed) == 4:
        return f"{socket.inet_ntop(socket.AF_INET, packed)}:{int(port, 16)}"
    return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]:{int(port, 16)}"


def _unix(proc: Path) -> dict[str, str]:
    found = {}
    with contextlib.suppress(OSError):
        for line in (proc / "net" / "unix").read_text().splitlines()[1:]:
            fields = line.split(maxsplit=7)
            if len(fields) == 8 and int(fields[3], 16) & _ACCEPTS and fields[7].startswith("/"):
                found[fields[6]] = f"unix:{fields[7]}"
    return found


def _owners(proc: Path, sockets: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Return unit and program of each socket; process 1 holds those that systemd opens for others, and comes last."""
    owners: dict[str, tuple[str, str]] = {}
    for process in sorted(proc.glob("[0-9]*"), key=lambda each: int(each.name), reverse=True):
        for inode in _held(process):
            if inode in sockets and (inode not in owners or process.name != "1"):
                with contextlib.suppress(OSError):
                    owners[inode] = (unit_in((process / "cgroup").read_text()), (process / "comm").read_text().strip())
    return owners


def _held(process: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for handle in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(handle.readlink())
                if target.startswith("socket:["):
                    yield target[8:-1]
