from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor_blueprint.domain.story import StoryEntry, StoryKind, began, with_restarts

NOW = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST = StoryEntry(NOW - 2 * HOUR, StoryKind.STARTED, {"digest": "a", "checks": "Flask\nDisk", "cut": ""})
END = StoryEntry(NOW - HOUR, StoryKind.STOPPED)


def kinds(entries: tuple[StoryEntry, ...]) -> list[StoryKind]:
    return [entry.kind for entry in entries]


def test_the_first_beginning_is_no_restart() -> None:
    (entry,) = began(None, None, "a", ("Flask", "Disk"), NOW)
    assert entry == StoryEntry(NOW, StoryKind.STARTED, {"digest": "a", "checks": "Flask\nDisk", "cut": ""})


def test_a_beginning_without_an_end_was_cut_short() -> None:
    earlier = StoryEntry(FIRST.at - HOUR, StoryKind.STOPPED)
    assert began(FIRST, None, "a", (), NOW)[0].facts["cut"] == "1"
    assert began(FIRST, earlier, "a", (), NOW)[0].facts["cut"] == "1"
    assert not began(FIRST, END, "a", (), NOW)[0].facts["cut"]


def test_a_changed_configuration_is_noted() -> None:
    """With the checks that came and went."""
    assert kinds(began(FIRST, END, "a", ("Flask", "Disk"), NOW)) == [StoryKind.STARTED]
    started, configured = began(FIRST, END, "b", ("Flask", "CPU"), NOW)
    assert (started.kind, configured.kind) == (StoryKind.STARTED, StoryKind.CONFIGURED)
    assert configured.facts == {"digest": "b", "added": "CPU", "removed": "Disk"}


def test_a_restart_is_one_entry() -> None:
    """With what people did meanwhile beside it, and what was configured in it."""
    second = timedelta(seconds=1)
    noted = StoryEntry(NOW + second, StoryKind.NOTED, {"number": "1"})
    configured = StoryEntry(NOW + 2 * second, StoryKind.CONFIGURED, {"added": "CPU"})
    entries = [FIRST, StoryEntry(NOW, StoryKind.STOPPED), noted, configured, StoryEntry(NOW + 2 * second, StoryKind.STARTED)]
    told = with_restarts(entries)
    assert told[:2] == [FIRST, noted]
    assert told[2:] == [StoryEntry(NOW + 2 * second, StoryKind.RESTARTED, {"added": "CPU", "configured": "1"})]
    again = [*entries, StoryEntry(NOW + 9 * second, StoryKind.STOPPED), StoryEntry(NOW + 10 * second, StoryKind.STARTED)]
    assert [each.kind.value for each in with_restarts(again)] == ["started", "noted", "restarted", "restarted"]


def test_the_same_master_has_read_again() -> None:
    """A beginning of the same master after an end is a reload, and one of another master a restart."""
    (first,) = began(None, None, "a", (), NOW, master="7 1.00")
    ended = StoryEntry(NOW + timedelta(seconds=1), StoryKind.STOPPED)
    for master, is_reload in (("7 1.00", True), ("7 2.00", False), ("", False)):
        again, *_ = began(first, ended, "a", (), NOW + timedelta(seconds=2), master=master)
        (_, told) = with_restarts([first, ended, again])
        assert told == StoryEntry(again.at, StoryKind.RESTARTED, {"reread": "1"} if is_reload else {})
    assert not began(first, None, "a", (), NOW + timedelta(seconds=2), master="7 1.00")[0].facts["reread"]


def test_a_late_beginning_is_no_restart() -> None:
    """Nor one whose end is not known."""
    apart = [END, StoryEntry(END.at + timedelta(seconds=31), StoryKind.STARTED)]
    assert with_restarts(apart) == apart
    assert with_restarts([FIRST, FIRST]) == [FIRST, FIRST]
