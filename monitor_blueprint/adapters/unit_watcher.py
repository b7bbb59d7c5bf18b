"""Listens to systemd: says within a moment that a watched unit has changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection

from jeepney import HeaderFields, MatchRule, message_bus, new_method_call
from jeepney.io.blocking import DBusConnection, Proxy

from monitor_blueprint.adapters.systemd import MANAGER, call, connect, full_name, load, parts_of
from monitor_blueprint.domain.text import ExplainedError, Public
from monitor_blueprint.faults import reason_of

# Several signals of one change (deactivating, inactive, the job's end) make one look.
DEBOUNCE_S = 0.1
# A unit that changes without end is looked at this often all the same.
LONGEST_DEBOUNCE_S = 0.5
# After a lost bus, try again in so many seconds; polling goes on meanwhile.
RECONNECT_S = 5.0
_ANSWER_S = 5.0


class Watcher:
    """Calls `changed` with the names of the units that have changed, from a thread of its own."""

    def __init__(
        self,
        units: Collection[str],
        changed: Callable[[frozenset[str]], None],
        watching: Callable[[], None],
        lost: Callable[[Public], None],
    ) -> None:
        """Watch the units; `watching` is called when the bus is had, `lost` with the reason when it is not."""
        self._units = frozenset(full_name(unit) for unit in units)
        self._changed = changed
        self._watching = watching
        self._lost = lost
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to listen."""
        threading.Thread(target=self._run, name="watcher", daemon=True).start()

    def stop(self) -> None:
        """Tell nothing more; the thread ends when the bus next has something to say, or is gone."""
        self._stopping.set()

    def _run(self) -> None:
        is_reported = False
        while not self._stopping.is_set():
            try:
                with connect(_ANSWER_S) as connection:
                    paths = _subscribe(connection, self._units)
                    self._watching()
                    if is_reported:
                        # What changed meanwhile made no signal that was heard.
                        is_reported = False
                        self._changed(self._units)
                    self._listen(connection, paths)
            except Exception as error:  # noqa: BLE001 - the edge of a thread that must go on listening
                # Said once for each loss, not at every attempt.
                if not is_reported and not self._stopping.is_set():
                    is_reported = True
                    self._lost(error.told if isinstance(error, ExplainedError) else reason_of(error))
            self._stopping.wait(RECONNECT_S)

    def _listen(self, connection: DBusConnection, paths: dict[str, set[str]]) -> None:
        while True:
            pending: set[str] = set()
            first = last = 0.0
            while True:
                try:
                    message = connection.receive(timeout=DEBOUNCE_S if pending else None)
                except TimeoutError:
                    break
                changed = paths.get(message.header.fields.get(HeaderFields.path, ""))
                if changed is not None:
                    last = time.monotonic()
                    first = first or last
                    pending |= changed
                if pending and (time.monotonic() - last > DEBOUNCE_S or time.monotonic() - first > LONGEST_DEBOUNCE_S):
                    break
            if self._stopping.is_set():
                return
            self._changed(frozenset(pending))


def _subscribe(connection: DBusConnection, units: Collection[str]) -> dict[str, set[str]]:
    """Ask systemd for its signals; return the units' names by the paths of the objects whose changes concern them."""
    call(connection, new_method_call(MANAGER, "Subscribe"), _ANSWER_S)
    rule = MatchRule(
        type="signal",
        sender=MANAGER.bus_name,
        interface="org.freedesktop.DBus.Properties",
        member="PropertiesChanged",
        path_namespace="/org/freedesktop/systemd1/unit",
    )
    Proxy(message_bus, connection, timeout=_ANSWER_S).AddMatch(rule)
    # systemd keeps a unit that nobody refers to out of memory; loading it gives it its path.
    paths: dict[str, set[str]] = {}
    for unit in units:
        path = load(connection, unit, _ANSWER_S)
        # Two names may mean one unit; and a unit may stand for others.
        parts = [load(connection, part, _ANSWER_S) for part in parts_of(connection, path, _ANSWER_S)]
        for each in (path, *parts):
            paths.setdefault(each, set()).add(unit)
    return paths
