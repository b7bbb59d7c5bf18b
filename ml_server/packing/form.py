"""The form: what only a person can say about a model, as a TOML file that is pleasant to fill in.

It is written with every question that is open and all that was found beside it, and read again by the same command; so
one form serves the versions to come.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ml_server.evidence import Limit
from ml_server.packing.refusal import PackingError
from ml_server.suggestions import did_you_mean
from ml_server.verification.findings import Finding


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the model comes from."""

    data: str = ""
    citation: str = ""
    method: str = ""


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The form as it was filled in. What is said of an input or target stands in its table, as the card has it.

    `research_only`, `explain`, `limit` and `statements` are keys of the card that nobody is asked for.
    """

    title: str = ""
    intended_use: str = ""
    not_for: list[str] = []
    training: Words = Words()
    inputs: dict[str, dict[str, Any]] = {}
    targets: dict[str, dict[str, Any]] = {}
    research_only: bool = False
    explain: bool = False
    limit: Limit | None = None
    statements: dict[str, str] = {}

    @property
    def of_answers(self) -> dict[str, Any]:
        """Return the keys that the card takes over as they are."""
        said = {"research_only": self.research_only, "explain": self.explain, "limit": self.limit, "statements": self.statements}
        return {key: value for key, value in said.items() if value}


_SHOWN = 8
_DONE = {
    "refuse": "refused",
    "nan": "the model knows what to do",
    "median": "filled with the median",
    "mode": "filled with the commonest",
}
_OF_INPUT = (
    "type", "description", "unit", "missing", "missing_text", "minimum", "maximum", "allowed", "codes", "origin",
)  # fmt: skip
_OF_TARGET = ("description", "unit", "minimum", "maximum", "interval")


def read_form(path: Path) -> Said:
    """Return what the form says.

    Raises:
        PackingError: it is no TOML, or has keys that are not known.
    """
    field = path.name
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PackingError([Finding(field, str(error), "TOML", "texts stand in quotation marks, one key a line")]) from error
    try:
        said = msgspec.convert(content, Said)
    except msgspec.ValidationError as error:
        known = ", ".join(Said.__struct_fields__)
        raise PackingError([Finding(field, str(error), f"the keys {known}", "correct it")]) from error
    findings = [*_unknown(field, "inputs", said.inputs, _OF_INPUT), *_unknown(field, "targets", said.targets, _OF_TARGET)]
    if findings:
        raise PackingError(findings)
    return said


def _unknown(field: str, part: str, tables: Mapping[str, Mapping[str, Any]], known: Sequence[str]) -> list[Finding]:
    return [
        Finding(f"{field}: {part}.{name}", f"key {key!r}", ", ".join(known), f"correct it{did_you_mean(key, known, at_most=1)}")
        for name, table in tables.items()
        if table.get("type") not in {"sequence", "image"}
        for key in table
        if key not in known
    ]


class Section(NamedTuple):
    """A table of the form: its name ("" for the top), what was found, and each question with what is said and a remark."""

    name: str
    remark: str
    questions: tuple[tuple[str, str, str], ...]


def sections(card: Mapping[str, Any], headers: Mapping[str, str]) -> list[Section]:
    """Return what the form of a card asks; `headers` are the data's names of its inputs."""
    training = card["training"]
    top = (
        ("title", _text(card["title"]), "one line"),
        ("intended_use", _text(card["intended_use"]), "who may use it, for whom, to decide what"),
        ("not_for", f"[{', '.join(map(_text, card['not_for']))}]", "what it must not be used for, a sentence each"),
    )
    origin = (
        ("data", _text(training["data"]), "whose data, where and when they were taken"),
        ("citation", _text(training["citation"]), "the publication, or who answers for it"),
        ("method", _text(training["method"]), "how it was trained and judged"),
    )
    found = [Section("", "", top), Section("training", "", origin)]
    for item in card["inputs"]:
        unit = (("unit", _text(item["unit"]), '"1" where it has none'),) if "unit" in item else ()
        questions = (("description", _text(item["description"]), ""), *unit)
        found.append(Section(f"inputs.{item['name']}", _found(item, headers.get(item["name"], item["name"])), questions))
    for target in card.get("targets") or ():
        questions = (("description", _text(target["description"]), ""), ("unit", _text(target["unit"]), ""))
        found.append(Section(f"targets.{target['name']}", f"{target['minimum']:g} to {target['maximum']:g}", questions))
    return found


def begun(inputs: Sequence[str]) -> str:
    """Return a form for a model that was refused: what may be said of each input, to be taken up by removing the `#`."""
    lines = ["# Say what the refusal asks for, and give the same command again; what else is to be said is asked then."]
    for name in inputs:
        lines += ["", f"[inputs.{name}]", '# missing = "nan"  # or "median" (of texts "mode"), or "refuse"']
        lines.append('# codes = {"F" = 0, "M" = 1}  # what the model reads for each text')
    return "\n".join([*lines, ""])


def write_form(card: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """Return the form for a card."""
    lines = [
        f"# What only a person can say about {card['name']}: fill in every empty text, then give the same command again.",
        "# It is kept for the versions to come.",
    ]
    for section in sections(card, headers):
        lines += ["", *_head(section)] if section.name else []
        lines += map(_line, section.questions)
    return "\n".join([*lines, ""])


def completed(form: str, card: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """Return a form that somebody has begun with the questions that it does not ask yet; the rest as it is."""
    content = tomllib.loads(form)
    lines = form.splitlines()
    for section in sections(card, headers):
        part = content
        for key in section.name.split(".") if section.name else ():
            part = part.get(key, {})
        open_lines = [_line(question) for question in section.questions if question[0] not in part]
        heads = [place for place, line in enumerate(lines, 1) if line.replace(" ", "").startswith(f"[{section.name}]")]
        if not section.name:
            lines[:0] = [*open_lines, ""] if open_lines else []
        elif heads:
            lines[heads[0] : heads[0]] = open_lines
        elif open_lines:
            lines += ["", *_head(section), *open_lines]
    whole = "\n".join([*lines, ""])
    try:
        tomllib.loads(whole)
    except tomllib.TOMLDecodeError:  # written in another way than this knows: its owner's words go first
        return form
    return whole


def _head(section: Section) -> list[str]:
    return [f"[{section.name}]  # {section.remark}" if section.remark else f"[{section.name}]"]


def _line(question: tuple[str, str, str]) -> str:
    key, value, remark = question
    return f"{key} = {value}  # {remark}" if remark else f"{key} = {value}"


def _found(item: Mapping[str, Any], header: str) -> str:
    """Say in a line what the data say of an input."""
    parts = [] if header == item["name"] else [f"column {_text(header)}"]
    if item["type"] in {"sequence", "image"}:
        return "; ".join([*parts, f"{item['type']}, must be given"])
    if "values" in item:
        parts.append(
            "one of " + ", ".join(map(_text, item["values"][:_SHOWN])) + (", ..." if len(item["values"]) > _SHOWN else "")
        )
    elif "minimum" in item:
        kind = {"integer": "whole numbers ", "date": "dates "}.get(item["type"], "")
        span = [item[key] if item["type"] == "date" else f"{item[key]:g}" for key in ("minimum", "maximum", "median")]
        parts.append(f"{kind}{span[0]} to {span[1]}, median {span[2]}")
    else:
        parts.append("true or false")
    share = item["missing_share"]
    parts.append(f"missing in {share:.1%} of the rows: {_DONE[item['missing']]}" if share else "never missing: must be given")
    return "; ".join(parts)


def _text(text: str) -> str:
    """Return a text as TOML writes it: a JSON string is one."""
    return msgspec.json.encode(text).decode()


def empty_fields(card: Mapping[str, Any]) -> list[str]:
    """Return the card's fields that only a person can fill, and that are empty."""
    found = [key for key in ("title", "intended_use") if not card[key]]
    found += ["not_for"] if not card["not_for"] or "" in card["not_for"] else []
    found += [f"training.{key}" for key in ("data", "citation", "method") if not card["training"][key]]
    for part in ("inputs", "targets"):
        for item in card.get(part) or ():
            found += [f"{part}.{item['name']}.{key}" for key in ("description", "unit") if item.get(key) == ""]
    return found
