"""English for what the Korean catalogues say: sentence by sentence, and for what was filled in Korean and kept.

It is imported where somebody asks for English first: a server whose operators read Korean does without its memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from types import ModuleType

from monitor_blueprint.text import (
    en,
    en_access,
    en_channels,
    en_config,
    en_evidence,
    en_models,
    en_resources,
    en_runbooks,
    en_services,
    en_trials,
    ko,
    ko_access,
    ko_channels,
    ko_config,
    ko_evidence,
    ko_models,
    ko_resources,
    ko_runbooks,
    ko_services,
    ko_trials,
)
from monitor_blueprint.text.texts import Texts

# What the English one has, the Korean one has under the same name and in the same shape.
CATALOGUES: tuple[tuple[ModuleType, ModuleType], ...] = (
    (ko, en),
    (ko_access, en_access),
    (ko_channels, en_channels),
    (ko_config, en_config),
    (ko_evidence, en_evidence),
    (ko_models, en_models),
    (ko_resources, en_resources),
    (ko_runbooks, en_runbooks),
    (ko_services, en_services),
    (ko_trials, en_trials),
)
KOREAN = re.compile("[\uac00-\ud7a3]")
# A place in a sentence: {name}, {value:.2f}, or what a regular expression has found.
_PLACE = re.compile(r"\{(\w+)[^{}]*\}|\\(\d)")
# A sentence that says so little beside its places ("{hours} h ago") is looked for only in what is ours throughout.
_LEAST = 5
_LEAST_KOREAN = 2
# Between one sentence of ours and another, and what a sentence is put together with.
_JOINTS = (" [", " · ")
_SEAMS = (*_JOINTS, " (", " - ", "; ", ": ", ", ", " or ")
# So long a line, and so many parts of it, are looked at: whoever has written more is not to keep a page waiting.
_LONGEST = 1000
_MOST_PARTS = {True: 150, False: 20}
_BRACKET = re.compile("[()]")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ )(.*)", re.DOTALL)


def pairs() -> Iterator[tuple[str, str]]:
    """Return every sentence that there is in both languages: the Korean one, and the English one."""
    for korean, english in CATALOGUES:
        for name, value in vars(english).items():
            if name.isupper() and not name.startswith("_"):
                yield from _pairs(getattr(korean, name), value)


def _pairs(korean: object, english: object) -> Iterator[tuple[str, str]]:
    if isinstance(korean, str) and isinstance(english, str):
        if korean != english:
            yield korean, english
    elif isinstance(korean, Texts) and isinstance(english, Texts):
        for field in fields(Texts):
            yield from _pairs(getattr(korean, field.name), getattr(english, field.name))
    elif isinstance(korean, Mapping) and isinstance(english, Mapping):
        for key, value in english.items():
            yield from _pairs(korean[key], value)
    elif isinstance(korean, tuple) and isinstance(english, tuple):
        for one, other in zip(korean, english, strict=True):
            yield from _pairs(one, other)


@dataclass(frozen=True, slots=True)
class _Form:
    """A sentence that is filled.

    Attributes:
        words: what it says between its places.
        places: what those are called.
        english: the English sentence.
        says_enough: a text that says the same is this sentence, whoever wrote it.
        joints: how often it is joined itself, see `_joints`.
    """

    words: tuple[str, ...]
    places: tuple[str, ...]
    english: str
    says_enough: bool
    joints: tuple[int, int]

    def found_in(self, text: str) -> dict[str, str] | None:
        """Return what stands in the places of a text that is this sentence; None for any other."""
        first, last = self.words[0], self.words[-1]
        if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
            return None
        rest = text[len(first) : len(text) - len(last)]
        found = []
        for word in self.words[1:-1]:
            # Of places side by side, the last has it all.
            end = _end(rest, word) if word else 0
            if end < 0:
                return None
            found.append(rest[:end])
            rest = rest[end + len(word) :]
        return dict(zip(self.places, [*found, rest], strict=True)) if _is_closed(rest) else None

    def filled(self, found: Mapping[str, str]) -> str:
        """Return the English sentence with these in its places."""
        return _PLACE.sub(lambda place: found.get(place[1] or place[2], ""), self.english)


def _end(text: str, word: str) -> int:
    """Return where a place ends that a word comes after: behind all the brackets that open in it; -1 for nowhere."""
    end = text.find(word)
    while end >= 0 and not _is_closed(text[:end]):
        end = text.find(word, end + 1)
    return end


def _is_closed(text: str) -> bool:
    depth = 0
    for bracket in _BRACKET.findall(text):
        depth += 1 if bracket == "(" else -1
        if depth < 0:
            return False
    return depth == 0


def _joints(text: str) -> tuple[int, int]:
    """Return how often one sentence ends in a text and another begins: "[[check]]" is a name."""
    return text.count(" [") - text.count(" [["), text.count(" · ")


class English:
    """The English catalogue, found by the Korean one."""

    def __init__(self) -> None:
        """Put it together."""
        self._sentences = dict(pairs())
        forms = [_form(korean, english) for korean, english in self._sentences.items() if KOREAN.search(korean)]
        # The right one begins as the text does; of several it is the one that says most.
        filled = [form for form in forms if form.places]
        self._forms = sorted(filled, key=lambda form: (not form.words[0], -len("".join(form.words))))
        whole = [form.words[0] for form in forms if not form.places]
        self._endings = [text for text in whole if text.startswith(" ") and not text.endswith(" ")]
        self._fragments = [text for text in whole if text.endswith(" ")]

    def said(self, sentence: str) -> str:
        """Return a sentence of the Korean catalogue in English: with the same places, not yet filled."""
        return self._sentences.get(sentence, sentence)

    def retold(self, text: str, *, is_ours: bool = False) -> str:
        """Return in English what was filled in Korean before, line by line; of text from outside, what is clearly ours."""
        if not KOREAN.search(text):
            return text
        return "\n".join(self._line(line, is_ours=is_ours) for line in text.split("\n"))

    def _line(self, line: str, *, is_ours: bool) -> str:
        if len(line) > _LONGEST:
            return line
        moment = _MOMENT.fullmatch(line)
        begin, rest = moment.groups() if moment else ("", line)
        retelling = _Retelling(self._sentences, self._forms, self._endings, self._fragments, _MOST_PARTS[is_ours])
        return begin + retelling.part(rest, is_ours)


@dataclass(slots=True)
class _Retelling:
    """One line that is said anew; `left` is how many parts of it may still be looked at."""

    sentences: Mapping[str, str]
    forms: Sequence[_Form]
    endings: Sequence[str]
    fragments: Sequence[str]
    left: int

    def part(self, text: str, is_ours: bool = True) -> str:
        """Return a part of the line in English, as far as it is ours."""
        if self.left <= 0 or not KOREAN.search(text):
            return text
        told = self._sentence(text, is_ours)
        if told is not None:
            return told
        plain = text
        for fragment in self.fragments if is_ours else ():
            plain = plain.replace(fragment, self.sentences[fragment])
        if plain != text:
            return self.part(plain)
        told = self._in_pieces(text, _SEAMS if is_ours else _JOINTS, is_ours)
        return text if told is None else told

    def _sentence(self, text: str, is_ours: bool) -> str | None:
        """Return the text in English if it is one sentence of ours."""
        if text in self.sentences:
            return self.sentences[text]
        self.left -= 1
        ending = next((each for each in self.endings if text.endswith(each)), "")
        found = self._filled(text, ending, is_ours)
        if found is None and ending:
            return self.part(text.removesuffix(ending), is_ours) + self.sentences[ending]
        return found

    def _filled(self, text: str, ending: str, is_ours: bool) -> str | None:
        joints = _joints(text)
        for form in self.forms:
            # What is joined is more than one sentence.
            if not (is_ours or form.says_enough) or form.joints != joints or not form.words[-1].endswith(ending):
                continue
            found = form.found_in(text)
            if found is None:
                continue
            told = {place: self.part(part) for place, part in found.items()}
            # What ends with the word for days need not be a number of them.
            if form.says_enough or not any(map(KOREAN.search, told.values())):
                return form.filled(told)
        return None

    def _in_pieces(self, text: str, seams: Sequence[str], is_ours: bool) -> str | None:
        """Return a text that is no sentence of ours with what it is put together of in English."""
        for seam in seams:
            end = len(text)
            while self.left > 0 and (end := text.rfind(seam, 0, end)) >= 0:
                told = self._joined(text[:end], seam, text[end + len(seam) :], is_ours)
                if told is not None:
                    return told
        return None

    def _joined(self, before: str, seam: str, after: str, is_ours: bool) -> str | None:
        """Return the two sides of a seam in English; None where what is in brackets would be cut."""
        # The seam may belong to what comes after it.
        joint = self._sentence(seam + after, is_ours)
        if joint is not None:
            return self.part(before, is_ours) + joint
        end = {" [": "]", " (": ")"}.get(seam, "")
        core = after.removesuffix(end)
        if not (_is_closed(core) and _is_closed(before)) or (seam == " [" and after.startswith("[")):
            return None
        return f"{self.part(before, is_ours)}{seam}{self.part(core, is_ours)}{after[len(core) :]}"


def _form(korean: str, english: str) -> _Form:
    parts = _PLACE.split(korean)
    words, said = tuple(parts[::3]), "".join(parts[::3])
    places = tuple(name or number for name, number in zip(parts[1::3], parts[2::3], strict=True))
    says_enough = len(said) >= _LEAST and len(KOREAN.findall(said)) >= _LEAST_KOREAN
    return _Form(words, places, english, says_enough, _joints("\0".join(words)))
