"""The templates of what is sent (`templates/ko/`), read at the start, and filled with public text only."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined, select_autoescape

from monitor_blueprint.domain.text import Public
from monitor_blueprint.text import ko, render


def _only_public(value: object) -> object:
    """Let nothing into a message that does not say that it may leave: an alert with a hole is better than none."""
    return value if isinstance(value, Public | int | Undefined) else ko.WITHHELD


JINJA = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates") / "ko"),
    autoescape=select_autoescape(),  # by the extension: a .txt is plain text
    undefined=StrictUndefined,
    # A tag on a line of its own leaves nothing of the line.
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    finalize=_only_public,
)
JINJA.filters.update(
    duration=render.duration,
    guide_time=render.guide_time,
    local=render.local,
    named=render.named,
    spanned=render.spanned,
    zone=render.zone,
)
# When an alert is due, the disk may be what has failed.
_NAMES = ("alert.txt", "backlog.txt", "deadman.txt", "test.txt", "mail.html")
_TEMPLATES = {name: JINJA.get_template(name) for name in _NAMES}


def filled(name: str, **facts: object) -> Public:
    """Return the text of the template of that name; in one that ends with ".html" nothing that it is filled with is markup."""
    # The newline that ends the file is none of the message.
    return Public(_TEMPLATES[name].render(facts).removesuffix("\n"))
