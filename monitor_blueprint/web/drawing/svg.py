"""Elements of SVG: every text and every attribute is escaped here.

A picture is as wide as its place, whatever that is, and its letters stay as large as they are: what is placed by time has
its x in percent, and curves lie in a field of 1000 by 1000 that is stretched without its strokes. Colours are the style
sheet's, by class: no picture has a style of its own, which the pages' Content-Security-Policy would refuse.
"""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

# The sides of the field that curves lie in.
FIELD = 1000


def element(name: str, *inside: str, **attributes: str | float | None) -> Markup:
    """Return an element; `text_anchor` is text-anchor, `class_` is class, and what is None is left out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(short(value))}"' for key, value in attributes.items() if value is not None
    )
    within = "".join(map(escape, inside))
    return Markup(f"<{name}{given}>{within}</{name}>" if within else f"<{name}{given}/>")  # noqa: S704 - all of it is escaped


def group(parts: Iterable[str]) -> Markup:
    """Return several elements as one text."""
    return Markup("").join(parts)


def titled(name: str, title: str, **attributes: str | float | None) -> Markup:
    """Return an element that says what it is where one points at it, if there is something to say."""
    return element(name, *([element("title", title)] if title else []), **attributes)


def percent(share: float) -> str:
    """Return a share (0 to 1) of the width."""
    return f"{short(round(100 * share, 2))}%"


def short(value: str | float) -> str:
    """Return a number in as few characters as it needs."""
    return value if isinstance(value, str) else f"{value:.6g}"


def field(*inside: str, top: float, height: float, **attributes: str) -> Markup:
    """Return a field of 1000 by 1000 that lies across the whole width."""
    box = {"viewBox": f"0 0 {FIELD} {FIELD}", "preserveAspectRatio": "none"}
    return element("svg", *inside, y=top, width="100%", height=height, **box, **attributes)
