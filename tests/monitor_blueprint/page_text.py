"""What a page says in the language that it says it is in."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = frozenset(("area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"))
# The end of these may be left out.
_LOOSE = frozenset(("td", "th", "tr", "li", "p", "dt", "dd", "option"))
_SAID = ("title", "aria-label", "alt", "placeholder", "data-words", "data-head", "content")


class _Reader(HTMLParser):
    def __init__(self, language: str) -> None:
        super().__init__()
        self.language = language
        self.said: list[str] = []
        self._open: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        inner = known.get("lang") or self._current()
        if inner == self.language:
            self.said += [value for key, value in attrs if key in _SAID and value]
        if tag not in _VOID:
            self._open.append((tag, inner))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            opened, _ = self._open.pop()
            if opened == tag or opened not in _LOOSE:
                assert opened == tag
                return

    def handle_data(self, data: str) -> None:
        if data.strip() and self._current() == self.language:
            self.said.append(data)

    def _current(self) -> str:
        return self._open[-1][1] if self._open else self.language


def said_in(page: str, language: str) -> str:
    """Return what a page says, without the parts that are marked as of another language."""
    reader = _Reader(language)
    reader.feed(page)
    reader.close()
    return "\n".join(reader.said)
