"""The watcher on a real bus; a real systemd is on the other end in the tests of a booted machine."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor_blueprint.adapters import unit_watcher
from monitor_blueprint.adapters.unit_watcher import Watcher
from tests.monitor_blueprint.bus import Systemd, running

FLASK, NGINX = "gunicorn_flask.service", "nginx.service"


class Watch:
    """A watcher of some units, and what it has said."""

    def __init__(self, *units: str) -> None:
        self.changes: queue.Queue[frozenset[str]] = queue.Queue()
        self.losses: queue.Queue[str] = queue.Queue()
        self.watching = threading.Semaphore(0)
        self.watcher = Watcher(
            units or ("gunicorn_flask", "nginx.service"), self.changes.put, self.watching.release, self.losses.put
        )
        self.watcher.start()

    def until_watching(self) -> None:
        assert self.watching.acquire(timeout=60)


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    watch.watcher.stop()


@pytest.fixture(autouse=True)
def _quick_to_reconnect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_watcher, "RECONNECT_S", 0.05)


def test_changed_unit_is_told(systemd: Systemd, watch: Watch) -> None:
    """A unit that changes is told by its name."""
    watch.until_watching()
    assert {"Subscribe", "LoadUnit"} <= set(systemd.asked)
    systemd.change(FLASK, active="inactive")
    assert watch.changes.get(timeout=60) == {FLASK}


def test_real_unit_is_told_by_every_name(systemd: Systemd) -> None:
    """By its aliases, and by the names of the units that stand for it."""
    systemd.aliases = {"mysql.service": "mariadb.service"}
    systemd.has("postgresql.service", sub="exited", ConsistsOf=["postgresql@15-main.service"])
    watch = Watch("mysql", "mariadb", "postgresql")
    try:
        watch.until_watching()
        systemd.change("mariadb.service", active="inactive")
        assert watch.changes.get(timeout=60) == {"mysql.service", "mariadb.service"}
        systemd.change("postgresql@15-main.service", active="inactive")
        assert watch.changes.get(timeout=60) == {"postgresql.service"}
    finally:
        watch.watcher.stop()


def test_changes_are_told_together(systemd: Systemd, watch: Watch) -> None:
    """Changes that come together are told together."""
    watch.until_watching()
    notified: set[str] = set()
    for _ in range(3):
        systemd.change(FLASK, active="deactivating")
    systemd.change(NGINX, active="inactive")
    looks = 0
    while notified != {FLASK, NGINX}:
        notified |= watch.changes.get(timeout=60)
        looks += 1
    # How many depends on how busy this machine is; five changes are never five looks.
    assert looks <= 2


def test_unwatched_unit_is_not_told(systemd: Systemd, watch: Watch) -> None:
    watch.until_watching()
    systemd.change("cron.service", active="inactive")
    systemd.change(NGINX, active="inactive")
    assert watch.changes.get(timeout=60) == {NGINX}


def test_restless_unit_is_told(systemd: Systemd, watch: Watch) -> None:
    """A unit that changes without end is told all the same."""
    watch.until_watching()
    is_over = threading.Event()

    def never_rest() -> None:
        while not is_over.wait(unit_watcher.DEBOUNCE_S / 4):
            systemd.change(FLASK)

    restless = threading.Thread(target=never_rest)
    restless.start()
    assert watch.changes.get(timeout=60) == {FLASK}
    assert watch.changes.get(timeout=60) == {FLASK}
    is_over.set()
    restless.join()


def test_lost_bus_is_watched_again(bus: Path, watch: Watch) -> None:
    """A lost bus is said once, and watched again when it is back."""
    assert watch.losses.get(timeout=60).startswith("no system bus: ")
    for _ in range(2):
        with running(bus) as systemd:
            watch.until_watching()
            # What changed while nobody listened is looked at first.
            assert watch.changes.get(timeout=60) == {FLASK, NGINX}
            systemd.change(FLASK, active="failed")
            assert watch.changes.get(timeout=60) == {FLASK}
        assert watch.losses.get(timeout=60)
    assert watch.losses.empty()


def test_stopped_watcher_tells_nothing(bus: Path, watch: Watch) -> None:
    """A watcher that has been stopped tells nothing more."""
    assert watch.losses.get(timeout=60)
    with running(bus) as systemd:
        watch.until_watching()
        assert watch.changes.get(timeout=60) == {FLASK, NGINX}
        watch.watcher.stop()
        systemd.change(FLASK, active="failed")
    for thread in threading.enumerate():
        if thread.name == "watcher":
            thread.join(60)
    assert watch.changes.empty()
    assert watch.losses.qsize() <= 1
