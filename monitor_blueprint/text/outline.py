"""Takes a message's body apart again, for channels that show more than text: they say nothing that the body does not say.

The first paragraph has the title, lines "label: value" about the whole, and lines "- ..." about single checks, each of which
may have lines "label: value" below it with what to type and whatever else there is to know. Then follow the evidence
("[title]" and lines), the incident, and what was told of earlier moments ("--- moment" and a message). What is none of these
is kept as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from monitor_blueprint.domain.messages import Item, Outline, Section
from monitor_blueprint.domain.text import NOTHING, Public
from monitor_blueprint.text import ko, ko_messages

_LEVEL = re.compile(r"\[([A-Z]{1,20})\]")
_SECTION = re.compile(r"\[[^\[\]]+\]")
_SINCE = re.compile(ko_messages.SINCE.format(since=r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+"))
_NUMBER = ko_messages.NUMBERED.format(number="")
_ITEM, _BELOW, _STORY = "- ", "  ", "--- "
_BETWEEN, _BEHIND_LABEL = " · ", ": "


def outline_of(body: Public) -> Outline:
    """Return the parts of a message's body."""
    head, *others = _paragraphs(body)
    level = _LEVEL.match(head[0])
    facts, items = _head(head[1:])
    below = _BelowHead()
    for lines in others:
        below.take(lines)
    return Outline(
        level=Public(level[1]) if level else NOTHING,
        title=head[0],
        facts=facts,
        items=items,
        sections=tuple(below.sections),
        incident=tuple(each for each in below.incident if each[0] not in (ko_messages.LINK_LABEL, *ko_messages.COMMAND_LABELS)),
        commands=tuple(each for each in below.incident if each[0] in ko_messages.COMMAND_LABELS),
        link=next((value for label, value in below.incident if label == ko_messages.LINK_LABEL), NOTHING),
        notes=tuple(below.notes),
    )


class _BelowHead:
    """What stands below the first paragraph, taken paragraph by paragraph."""

    def __init__(self) -> None:
        self.incident: list[tuple[Public, Public]] = []
        self.sections: list[Section] = []
        self.notes: list[Public] = []
        # What a paragraph goes on with that does not say what it is; an earlier message has evidence and a number itself.
        self._within: Literal["evidence", "story", ""] = ""

    def take(self, lines: tuple[Public, ...]) -> None:
        first = lines[0]
        if first.startswith(_STORY):
            self._open("story", Public(first.removeprefix(_STORY)), lines[1:])
        elif first == ko.UNSURE_EVENTS:
            self._open("", first, lines[1:])
        elif first == ko.REPEATED:
            self.notes += lines
        elif self._within != "story" and _SECTION.fullmatch(first):
            self._open("evidence", Public(first[1:-1]), lines[1:])
        elif self._within != "story" and first.startswith(_NUMBER):
            self.incident += [_labelled(Public(part)) for line in lines for part in line.split(_BETWEEN)]
            self._within = ""
        elif self._within:
            last = self.sections[-1]
            self.sections[-1] = Section(last.title, (*last.lines, NOTHING, *lines))
        else:
            self.notes += lines

    def _open(self, within: Literal["evidence", "story", ""], title: Public, lines: tuple[Public, ...]) -> None:
        self.sections.append(Section(title, lines))
        self._within = within


def _paragraphs(body: Public) -> list[tuple[Public, ...]]:
    paragraphs = [tuple(map(Public, text.split("\n"))) for text in re.split(r"\n{2,}", body.strip("\n"))]
    return paragraphs or [(NOTHING,)]


def _head(lines: Sequence[Public]) -> tuple[tuple[tuple[Public, Public], ...], tuple[Item, ...]]:
    facts: list[tuple[Public, Public]] = []
    items: list[Item] = []
    for line in lines:
        if line.startswith(_ITEM):
            items.append(_item(Public(line.removeprefix(_ITEM))))
        elif line.startswith(_BELOW) and items:
            items[-1] = _with_line_below(items[-1], *_labelled(Public(line.strip())))
        else:
            facts.append(_labelled(line))
    return tuple(facts), tuple(items)


def _item(line: Public) -> Item:
    """Return what a line says; what stands before its moment may have the mark of a part in it as well."""
    since = _SINCE.search(line)
    before = line[: since.start()].removesuffix(_BETWEEN) if since else line
    name, said = _labelled(Public(before))
    after = line[since.end() :].removeprefix(_BETWEEN) if since else ""
    return Item(name, said, Public(since[0]) if since else NOTHING, _parts(Public(after)))


def _with_line_below(item: Item, label: Public, value: Public) -> Item:
    if label == ko_messages.LOOK_LABEL:
        return replace(item, commands=_parts(value))
    return replace(item, advice=(*item.advice, (label, value)))


def _labelled(line: Public) -> tuple[Public, Public]:
    label, found, value = line.partition(_BEHIND_LABEL)
    return (Public(label), Public(value)) if found else (NOTHING, line)


def _parts(text: Public) -> tuple[Public, ...]:
    return tuple(map(Public, text.split(_BETWEEN))) if text else ()
