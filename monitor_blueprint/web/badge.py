"""A badge: a name and a state side by side, as one small picture for other pages."""

from __future__ import annotations

import unicodedata

from monitor_blueprint.web.drawing.svg import element

_HEIGHT, _MARGIN, _SIZE = 20, 6, 11
# White letters are read on each of them (a contrast of more than 4.5 to 1).
_NAME_COLOUR = "#24292f"
GREY = "#57606a"
COLOURS = {"OK": "#1a7f37", "WARNING": "#9a6700", "CRITICAL": "#cf222e", "UNKNOWN": GREY, "LEFT_OUT": GREY}
_NARROW, _BROAD = frozenset("iljtfrI .,:;|!'()[]/-"), frozenset("mwMW@%")


def draw_badge(name: str, state: str, colour: str) -> str:
    """Return the picture as SVG; whoever cannot see it is read "name: state"."""
    left, right = (width(text) + 2 * _MARGIN for text in (name, state))
    said = f"{name}: {state}"
    return element(
        "svg",
        element("title", said),
        element("rect", width=left, height=_HEIGHT, fill=_NAME_COLOUR),
        element("rect", x=left, width=right, height=_HEIGHT, fill=colour),
        _text(name, left / 2),
        _text(state, left + right / 2),
        xmlns="http://www.w3.org/2000/svg",
        width=left + right,
        height=_HEIGHT,
        role="img",
        aria_label=said,
    )


def width(text: str) -> int:
    """Return about how wide a text is, in pixels; it is drawn just as wide, whatever letters the reader's machine has."""
    return max(1, round(sum(map(_advance, text))))


def _advance(letter: str) -> float:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Cf", "Mn", "Me"):
        return 0.0
    if unicodedata.east_asian_width(letter) in ("W", "F"):
        return _SIZE
    return 3.9 if letter in _NARROW else 9.6 if letter in _BROAD else 7.6 if letter.isupper() else 6.7


def _text(text: str, middle: float) -> str:
    # Without the length, letters of another width than was reckoned with would run over the edge.
    return element(
        "text",
        text,
        x=middle,
        y=14,
        fill="#fff",
        text_anchor="middle",
        textLength=width(text),
        lengthAdjust="spacingAndGlyphs",
        font_family="Verdana, DejaVu Sans, Malgun Gothic, Noto Sans KR, sans-serif",
        font_size=_SIZE,
    )
