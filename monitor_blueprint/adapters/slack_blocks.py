"""A message in Slack's blocks: what stands in a post beside its text, which other programs show alone.

The texts are elements of "rich_text", in which nothing is markup and nothing needs to be escaped. Slack refuses the whole
post where a part of it is too long, or there are too many parts: what has no room is cut and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from monitor_blueprint.domain.messages import Item, Outline, Section

Block = dict[str, Any]

_COLOURS = {"CRITICAL": "danger", "UNKNOWN": "warning", "OK": "good"}
_NO_COLOUR = "#44546a"
_MOST_TITLE = 150
_MOST_TEXT = 3000
# In one list. Of all texts together no number is published; from some 13,000 on it says "msg_blocks_too_long".
_MOST_BLOCKS = 50
_MOST_CHARS = 11_000


def blocks_of(outline: Outline) -> dict[str, Any]:
    """Return the post's `blocks` (title and facts), and with the level's colour an attachment of all the rest."""
    title = _escaped(_cut(outline.title or " ", _MOST_TITLE))
    header = {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}
    facts = [_rich(_section(_labelled(outline.facts)))] if outline.facts else []
    rest = _fitting([*map(_item, outline.items), *_incident(outline), *_notes(outline), *map(_evidence, outline.sections)])
    attachment = {"color": _COLOURS.get(outline.level, _NO_COLOUR), "fallback": outline.title, "blocks": rest or facts}
    return {"blocks": [header, *(facts if rest else [])], **({"attachments": [attachment]} if rest or facts else {})}


def _item(item: Item) -> Block:
    named = [*([_text(item.name, bold=True), _text("\n")] if item.name else []), _text(item.said)]
    more = [_text(f"\n{line}") for line in (item.since, *item.notes) if line]
    below = [_section(_labelled([each])) for each in item.advice]
    return _rich(_section([*named, *more]), *_typed(item.commands), *below)


def _incident(outline: Outline) -> Iterator[Block]:
    lines = _labelled(outline.incident)
    if outline.link:
        lines += [*_break(lines), _link(outline.link)]
    for label, command in outline.commands:
        lines += [*_break(lines), _text(f"{label}: "), _text(command) | {"style": {"code": True}}]
    if lines:
        yield _rich(_section(lines))


def _notes(outline: Outline) -> Iterator[Block]:
    if any(outline.notes):
        yield _rich(_section([_text("\n".join(outline.notes))]))


def _evidence(section: Section) -> Block:
    return _rich(_section([_text(section.title, bold=True)]), *_typed(section.lines))


def _fitting(blocks: Sequence[Block]) -> list[Block]:
    """Return as many of the blocks as a post may have, and how many there are besides."""
    left = _MOST_CHARS
    fitting: list[Block] = []
    for block in blocks:
        left -= sum(map(len, _texts(block)))
        if left < 0 or len(fitting) == _MOST_BLOCKS - 1:
            return [*fitting, _rich(_section([_text(f"… (+{len(blocks) - len(fitting)})")]))]
        fitting.append(block)
    return fitting


def _texts(block: Block) -> Iterator[str]:
    for part in block["elements"]:
        for element in part["elements"]:
            yield element["text"]


def _rich(*parts: Block) -> Block:
    return {"type": "rich_text", "elements": list(parts)}


def _section(elements: list[Block]) -> Block:
    return {"type": "rich_text_section", "elements": elements}


def _typed(lines: Sequence[str]) -> Iterator[Block]:
    """Yield lines in letters of one width, if there is anything in them: Slack takes no empty text."""
    text = "\n".join(lines)
    if text.strip():
        yield {"type": "rich_text_preformatted", "elements": [_text(text)]}


def _labelled(facts: Iterable[tuple[str, str]]) -> list[Block]:
    elements: list[Block] = []
    for label, value in facts:
        elements += _break(elements)
        elements += [_text(f"{label}: ", bold=True)] if label else []
        elements.append(_link(value) if value.startswith(("https://", "http://")) else _text(value))
    return elements


def _break(before: list[Block]) -> list[Block]:
    return [_text("\n")] if before else []


def _text(text: str, *, bold: bool = False) -> Block:
    element: Block = {"type": "text", "text": _cut(text or " ", _MOST_TEXT)}
    return element | {"style": {"bold": True}} if bold else element


def _link(url: str) -> Block:
    return {"type": "link", "url": str(url), "text": _cut(url, _MOST_TEXT)}


def _cut(text: str, most: int) -> str:
    """Return the text; of one that is too long its beginning, and how many characters are left out."""
    if len(text) <= most:
        return str(text)
    mark = f"… (+{len(text) - most})"
    kept = most - len(mark) - 1
    return f"{text[:kept]}… (+{len(text) - kept})"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
