"""A real D-Bus with somebody in systemd's place on it: the units are as the test says."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jeepney import DBusAddress, HeaderFields, Message, MessageType, message_bus, new_error, new_method_return, new_signal
from jeepney.io.blocking import DBusConnection, Proxy, open_dbus_connection

_CONFIGURATION = """
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow own="*"/><allow send_destination="*"/><allow send_type="signal"/><allow receive_sender="*"/>
  </policy>
</busconfig>
"""
_DEFAULTS: dict[str, Any] = {
    "load": "loaded",
    "active": "active",
    "sub": "running",
    "job": "",
    "NRestarts": 0,
    "MainPID": 100,
    "Result": "success",
    "ActiveEnterTimestampMonotonic": 0,
    "InactiveExitTimestampMonotonic": 0,
    "ActiveExitTimestampMonotonic": 0,
    "TimeoutStartUSec": 90_000_000,
}
_TYPES = {
    "NRestarts": "u",
    "MainPID": "u",
    "Result": "s",
    "ActiveEnterTimestampMonotonic": "t",
    "InactiveExitTimestampMonotonic": "t",
    "ActiveExitTimestampMonotonic": "t",
    "TimeoutStartUSec": "t",
    "Type": "s",
    "ConditionResult": "b",
    "ConditionTimestampMonotonic": "t",
    "ActiveState": "s",
    "ActiveExitTimestamp": "t",
    "InactiveExitTimestamp": "t",
    "ExecMainExitTimestamp": "t",
    "ExecMainCode": "i",
    "ExecMainStatus": "i",
    "EnvironmentFiles": "a(sb)",
    **dict.fromkeys(("ExecStart", "ExecStartPre", "ExecReload"), "a(sasbttttuii)"),
    **dict.fromkeys(("Wants", "Requires", "BindsTo", "ConsistsOf", "PropagatesStopTo"), "as"),
}


def path_of(unit: str) -> str:
    return "/org/freedesktop/systemd1/unit/" + "".join(char if char.isalnum() else f"_{ord(char):02x}" for char in unit)


class Systemd:
    """Answers as systemd does. `refuses` makes every answer an error, `is_silent` gives none at all."""

    def __init__(self, socket: Path) -> None:
        self.units: dict[str, dict[str, Any]] = {}
        self.aliases: dict[str, str] = {}
        self.asked: list[str] = []
        self.refuses = False
        self.is_silent = False
        self._connection = open_dbus_connection(bus=f"unix:path={socket}")
        self._sending = threading.Lock()
        Proxy(message_bus, self._connection).RequestName("org.freedesktop.systemd1")
        self._thread = threading.Thread(target=self._serve, args=(self._connection,), daemon=True)
        self._thread.start()

    def has(self, unit: str, **state: Any) -> None:
        """Let the unit be so, without saying that it has changed."""
        self.units[unit] = {**_DEFAULTS, **self.units.get(unit, {}), **state}

    def change(self, unit: str, **state: Any) -> None:
        """Let the unit be so, and say that it has changed, as systemd does."""
        self.has(unit, **state)
        emitter = DBusAddress(path_of(unit), interface="org.freedesktop.DBus.Properties")
        changed: tuple[str, dict[str, Any], list[str]] = (
            "org.freedesktop.systemd1.Unit",
            {"ActiveState": ("s", self.units[unit]["active"])},
            [],
        )
        self._send(new_signal(emitter, "PropertiesChanged", "sa{sv}as", changed))

    def close(self) -> None:
        self._thread.join(60)
        self._connection.close()

    def _send(self, message: Message) -> None:
        with self._sending:
            self._connection.send(message)

    def _serve(self, connection: DBusConnection) -> None:
        while True:
            try:
                message = connection.receive()
            except (OSError, EOFError):
                return
            if message.header.message_type is MessageType.method_call and not self.is_silent:
                self._answer(message)

    def _answer(self, message: Message) -> None:
        member = message.header.fields[HeaderFields.member]
        self.asked.append(member)
        if self.refuses:
            self._send(new_error(message, "org.freedesktop.DBus.Error.AccessDenied", "s", ("not for you",)))
        elif member == "LoadUnit":
            self._send(new_method_return(message, "o", (path_of(self._name(message.body[0])),)))
        elif member == "ListUnitFiles":
            files = [(f"/usr/lib/systemd/system/{name}", "enabled") for name in self.units]
            self._send(new_method_return(message, "a(ss)", (files,)))
        elif member == "ListUnitsByNames":
            rows = [self._row(name) for name in message.body[0]]
            self._send(new_method_return(message, "a(ssssssouso)", (rows,)))
        elif member == "GetAll":
            state = self._at(message)
            state = {**state, "ActiveState": state["active"]} if state else state
            found = {key: (_TYPES[key], value) for key, value in state.items() if key in _TYPES}
            self._send(new_method_return(message, "a{sv}", (found,)))
        elif member == "Get":
            state, key = self._at(message), message.body[1]
            self._send(new_method_return(message, "v", ((_TYPES[key], state[key]),)))
        else:
            self._send(new_method_return(message))

    def _name(self, name: str) -> str:
        return self.aliases.get(name, name)

    def _at(self, message: Message) -> dict[str, Any]:
        path = message.header.fields[HeaderFields.path]
        return next((state for name, state in self.units.items() if path_of(name) == path), {})

    def _row(self, asked: str) -> tuple[Any, ...]:
        name = self._name(asked)
        state = self.units.get(name, {**_DEFAULTS, "load": "not-found", "active": "inactive", "sub": "dead"})
        return (name, "", state["load"], state["active"], state["sub"], "", path_of(name), 1, state["job"], "/")


@contextmanager
def running(directory: Path) -> Iterator[Systemd]:
    """Start a bus, and somebody in systemd's place on it."""
    socket = directory / "bus"
    configuration = directory / "bus.conf"
    configuration.write_text(_CONFIGURATION.format(socket=socket))
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--nopidfile", "--print-address"],
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    systemd = None
    try:
        assert daemon.stdout is not None
        # Its address: now it listens.
        assert daemon.stdout.readline()
        systemd = Systemd(socket)
        yield systemd
    finally:
        daemon.kill()
        daemon.communicate()
        if systemd is not None:
            systemd.close()
    socket.unlink()


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the bus that programs take for the system's own."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("dbus-daemon is not installed")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/bus")
    return tmp_path


@pytest.fixture
def systemd(bus: Path) -> Iterator[Systemd]:
    with running(bus) as started:
        yield started
