"""The terminal that `watch` draws in, and what is done at the press of a key."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from monitor_blueprint.cli import keyboard
from monitor_blueprint.cli.keyboard import Keyboard
from monitor_blueprint.cli.looking import Looking, Seen
from monitor_blueprint.cli.picture import line, picture
from monitor_blueprint.text import ko, ko_watch

# So soon it is seen that somebody has written.
_AT_ONCE_S = 0.2
_END = ("q", "Q")
_INTERRUPTED = (keyboard.INTERRUPT, keyboard.END_OF_INPUT)


def make_console() -> Console:
    """Return what draws on standard output; a character that its encoding does not have becomes a "?"."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    return Console(markup=False, emoji=False, highlight=False, soft_wrap=False)


def show_once(console: Console, seen: Seen) -> None:
    """Draw the picture as it is now."""
    console.print(picture(seen))


def show(console: Console, looking: Looking, interval_s: float) -> Seen | None:
    """Draw the picture until somebody has enough of it; return what was seen last, None for Ctrl-C and the like."""
    with Keyboard(sys.stdin.fileno()) as keys, Live(console=console, screen=True, auto_refresh=False) as live:
        return _Watch(live, looking, keys, interval_s).run()


@dataclass(frozen=True, slots=True)
class _Page:
    """As much of the lines as the screen has room for, from a first one on, and a last line below."""

    rows: Sequence[Sequence[Segment]]
    foot: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for row in self.rows:
            yield from row
            yield Segment.line()
        yield from console.render(self.foot, options.update(height=1, no_wrap=True, overflow="ellipsis"))


class _Watch:
    """What is on the screen: the picture or the help, how far it is scrolled, and a question where one is asked."""

    def __init__(self, live: Live, looking: Looking, keys: Keyboard, interval_s: float) -> None:
        self._live = live
        self._looking = looking
        self._keys = keys
        self._interval_s = interval_s
        self._first = 0
        self._is_help = False
        self._said = ""
        self._asked_of = 0
        self._room = 1

    def run(self) -> Seen | None:
        self._look()
        while True:
            self._draw()
            typed = self._wait()
            if any(key in _INTERRUPTED for key in typed):
                return None
            for key in typed:
                if key in _END and not self._asked_of:
                    return self._seen
                if self._press(key):
                    # A question is answered by what is typed after it stands there.
                    break

    def _look(self) -> None:
        self._seen = self._looking.look()
        self._looked_at = time.monotonic()

    def _wait(self) -> list[str]:
        """Wait for a key, another size of the screen (no key), or something new, which is looked at."""
        while (typed := self._keys.wait(_AT_ONCE_S)) is None:
            if time.monotonic() - self._looked_at >= self._interval_s or self._looking.has_changed():
                self._look()
                return []
        return typed

    def _draw(self) -> None:
        console = self._live.console
        self._room = max(console.size.height - 1, 1)
        shown = Group(*map(line, ko_watch.HELP_LINES)) if self._is_help else picture(self._seen)
        rows = console.render_lines(shown, console.options.update(height=None), pad=False)
        self._first = max(0, min(self._first, len(rows) - self._room))
        page = rows[self._first : self._first + self._room]
        blank: list[Segment] = []
        below = len(rows) - self._first - len(page)
        self._live.update(
            _Page([*page, *[blank] * (self._room - len(page))], self._foot(self._first, max(0, below))), refresh=True
        )

    def _foot(self, above: int, below: int) -> Text:
        if self._asked_of:
            return line(ko_watch.ASK.format(number=self._asked_of, by=self._looking.operator), "bold reverse")
        # How much there is besides comes first: it must not be what a narrow screen cuts off.
        more = [text.format(count=count) for text, count in ((ko_watch.MORE_BELOW, below), (ko_watch.MORE_ABOVE, above)) if count]
        return line(" · ".join([*([self._said] if self._said else []), *more, ko_watch.KEYS_LINE]), "reverse")

    def _press(self, key: str) -> bool:
        """Do what a key asks for; True where that is a question."""
        self._said = ""
        if self._asked_of:
            self._answer(key)
        elif key == "?":
            self._is_help, self._first = not self._is_help, 0
        elif key == "a":
            self._ask()
        else:
            self._first += self._steps().get(key, 0)
        return bool(self._asked_of)

    def _steps(self) -> dict[str, int]:
        return {
            keyboard.DOWN: 1,
            "j": 1,
            keyboard.UP: -1,
            "k": -1,
            keyboard.PAGE_DOWN: self._room,
            " ": self._room,
            keyboard.PAGE_UP: -self._room,
            keyboard.HOME: -self._first,
        }

    def _ask(self) -> None:
        incident = self._seen.status.incident
        if incident is None:
            self._said = ko.NO_INCIDENT
        elif incident.is_acknowledged:
            self._said = ko_watch.OWNED_ALREADY.format(number=incident.number, by=incident.acknowledged_by)
        else:
            self._asked_of = incident.number

    def _answer(self, key: str) -> None:
        number, self._asked_of = self._asked_of, 0
        if key not in ("y", "Y"):
            self._said = ko_watch.NOT_TAKEN
            return
        self._said = self._looking.acknowledge(number)
        self._look()
