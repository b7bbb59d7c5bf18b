"""A card out of a model and its data, as one page that is read from top to bottom."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ml_server.packing import claims, golden, missing
from ml_server.packing.assignment import assign, check_name, check_targets
from ml_server.packing.card_inputs import describe
from ml_server.packing.claims import Made
from ml_server.packing.columns import Column, Slot, read_column
from ml_server.packing.form import Said, empty_fields
from ml_server.packing.golden import Golden
from ml_server.packing.interpretation import Asked, interpret
from ml_server.packing.joining import joined, to_join
from ml_server.packing.judging import Judged, judge
from ml_server.packing.missing import Policy
from ml_server.packing.notes import Agreed, notes_of
from ml_server.packing.outputs import Reading
from ml_server.packing.probe import Probe
from ml_server.packing.reference import Reference
from ml_server.packing.refusal import PackingError
from ml_server.packing.served import check_served
from ml_server.packing.stale_form import keep
from ml_server.packing.table import Table, Texts, without_index
from ml_server.packing.trial import Compared, Floats, Trial
from ml_server.packing.unseen import Answered, Others, answer, compare
from ml_server.packing.usual import usual_answers
from ml_server.packing.wholes import KINDS, card_part, read_whole
from ml_server.suggestions import did_you_mean
from ml_server.verification.findings import Finding, listed

_MODEL_FILE = "model.onnx"
_CARD_FILE = "model.json"


@dataclass(frozen=True)
class Wishes:
    """What was said with the model.

    Attributes:
        targets: the columns of the data that the model predicts.
        columns: for a tensor ("" for the only one) the columns of the data that it reads, in its order.
        asked: how the output is read, where that cannot be found.
        said: what the form says, and `form` the name of its file.
    """

    name: str
    version: str
    targets: Sequence[str] = ()
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    asked: Asked = field(default_factory=Asked)
    said: Said = field(default_factory=Said)
    form: str = "describe.toml"


@dataclass(frozen=True)
class Packed:
    """A card as `model.json` has it, the bytes of its model, and what the person should know.

    Attributes:
        headers: the data's name of each input.
        notes: what was decided, in sentences.
    """

    card: dict[str, Any]
    content: bytes
    headers: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def open_fields(self) -> list[str]:
        """Return the fields that only a person can fill, and that are empty."""
        return empty_fields(self.card)

    def write(self, out: Path) -> Path:
        """Write card and model to `<out>/<name>/<version>/` and return that directory."""
        directory = out / str(self.card["name"]) / str(self.card["version"])
        directory.mkdir(parents=True, exist_ok=True)
        (directory / self.card["file"]).write_bytes(self.content)
        (directory / _CARD_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(self.card), indent=2) + b"\n")
        return directory


def pack_model(
    content: bytes,
    data: Table,
    wishes: Wishes,
    *,
    predictions: Table | None = None,
    held_out: Table | None = None,
    others: Sequence[Others] = (),
) -> Packed:
    """Return the card of an ONNX model: of what its signature, its data and its answers say.

    `predictions` are the original library's for the rows of the data; `held_out` are rows that the model was not trained
    on, for the scores; `others` are such rows with the library's predictions, on which the answers are compared too.

    Raises:
        PackingError: something is wrong, or the model does not answer as the library; says all of it.
    """
    check_name(wishes.name)
    probe = Probe(content)
    parts = to_join(probe.outputs)
    if parts:
        content = joined(content, parts)
        probe = Probe(content)
    data = without_index(data)
    predictions = None if predictions is None else without_index(predictions)
    targets = _targets(data, wishes.targets, "data")
    features = data.without(targets)
    check_targets(targets, probe.inputs, features.columns)
    wholes = [name for name, said in wishes.said.inputs.items() if said.get("type") in KINDS]
    slots = assign(probe.inputs, features, wishes.columns, wholes, may_guess=predictions is not None)
    described = keep(wishes.said.inputs, [slot.name for slot in slots], part="inputs", form=wishes.form)
    columns = _columns(slots, features, described.tables, wishes.form, may_guess=predictions is not None)
    reading, reference = interpret(probe, columns, wishes.asked, targets, predictions)
    trial = Trial(probe, columns, reading, data.lines)
    policies = missing.choose(columns, trial.answers_or_none, None if reference is None else reference.values)
    answers, is_served = trial.answers(policies), missing.is_served(columns, policies)
    findings = trial.faults(answers, is_served) or trial.alone(policies)
    if reference is not None and not findings:
        findings = trial.compare(policies, Compared(columns, answers, data.lines, is_served), reference)
    if findings:
        raise PackingError(findings, [slot.name for slot in slots])
    _check_others(trial, policies, others, answers.shape[1])
    judged_rows = None if held_out is None else answer(trial, policies, Others("held-out data", held_out))
    trial.columns = tuple(trial.with_codes(policies))
    over = f"the {data.rows} rows of the training data: not held out, so it flatters"
    judged = judge(reading, targets, answers, is_served, over)._replace(intervals={})
    if held_out is not None and judged_rows is not None:
        honest = _judge_held_out(reading, held_out, judged_rows, wishes)
        judged = judged._replace(scores=honest.scores, intervals=honest.intervals)
    near = claims.near_of(trial.columns)
    has_classes, is_far = reading.task == "classification", claims.far_of(near, columns)
    chosen = golden.choose(columns, policies, answers, trial.run, has_classes=has_classes, is_far=is_far)
    truth = targets if held_out is None else _targets(held_out, wishes.targets, "held-out data")
    made = _with_usual(
        claims.of_answers(claims.known_of(trial, policies, truth, is_served, judged_rows)), trial, judged_rows, near
    )
    names = reading.classes if reading.task == "regression" else ()
    targets_described = keep(wishes.said.targets, names, part="targets", form=wishes.form)
    card = _card(content, wishes, trial=trial, policies=policies, chosen=chosen, judged=judged, answers=answers)
    card |= made.keys | ({"applicability": near} if near else {}) | msgspec.to_builtins(wishes.said.of_answers)
    worth_a_look = [f"{each.found}: {each.remedy}" for each in check_served(card, content, wishes.form)]
    unread = [name for name in features.columns if name not in {slot.header for slot in slots}]
    agreed = Agreed(
        reference is not None, _by_position(predictions, reference), [f"{each.table.rows} {each.name}" for each in others]
    )
    notes = notes_of(trial, policies, chosen, unread=unread, agreed=agreed, scores=judged.scores)
    if parts:
        joined_parts = listed(part.name for part in parts)
        notes = (*notes, f"{joined_parts} were joined to one output: the model file is not the one given")
    notes = (*notes, *_refused(judged_rows), *made.notes, *described.notes, *targets_described.notes, *worth_a_look)
    return Packed(card, content, {slot.name: slot.header for slot in slots}, notes)


def _targets(data: Table, names: Sequence[str], where: str) -> dict[str, Texts]:
    lost = [name for name in names if name not in data.columns]
    if lost:
        known = list(data.columns)
        hints = "".join(did_you_mean(name, known, at_most=1) for name in lost)
        found = f"{where} without the column {listed(lost)}"
        raise PackingError(
            [Finding("--target", found, f"one of {listed(known, 10)}", f"give its name as the header has it{hints}")]
        )
    return {name: data.columns[name] for name in names}


def _columns(
    slots: Sequence[Slot], features: Table, said: Mapping[str, Mapping[str, Any]], form: str, *, may_guess: bool
) -> list[Column]:
    """Read every column; tell all that is wrong with any."""
    findings = []
    columns = []
    for slot in slots:
        texts, own = features.columns[slot.header], said.get(slot.name, {})
        if own.get("type") in KINDS:
            read = read_whole(slot, texts, features.lines, own, features.folder)
        else:
            read = read_column(slot, texts, features.lines, own, may_guess=may_guess)
        if isinstance(read, Column):
            columns.append(read)
        else:
            findings += [_of_form(finding, form) if finding.field.startswith("inputs.") else finding for finding in read]
    if findings:
        raise PackingError(findings, [slot.name for slot in slots])
    return columns


def _of_form(finding: Finding, form: str) -> Finding:
    """Return a finding about what the form says, which names its file."""
    return Finding(f"{form}: {finding.field}", finding.found, finding.wanted, finding.remedy)


def _check_others(trial: Trial, policies: Sequence[Policy], others: Sequence[Others], width: int) -> None:
    """Hold the answers for rows that were not trained on against the library's; `width` is how many there are for a row."""
    findings = []
    for each in others:
        findings += compare(trial, policies, answer(trial, policies, each), each, width)
    if findings:
        raise PackingError(findings)


def _by_position(predictions: Table | None, reference: Reference | None) -> Sequence[str]:
    """Return the columns of the predictions that were taken by their place."""
    return list(predictions.columns) if predictions is not None and reference is not None and reference.is_by_position else ()


def _with_usual(made: Made, trial: Trial, held_out: Answered | None, near: Mapping[str, Any] | None) -> Made:
    """Add how the answers are spread where all is as it was in training."""
    is_far = claims.far_of(near, trial.columns if held_out is None else held_out.columns)
    keys, notes = usual_answers(trial.reading, trial.columns, held_out, is_far)
    return Made(made.keys | keys, (*made.notes, *notes))


def _refused(held_out: Answered | None) -> Sequence[str]:
    """Return a sentence where serving would refuse some of the rows that were held out."""
    if held_out is None or held_out.is_served.all():
        return ()
    refused = f"{int((~held_out.is_served).sum())} of {len(held_out.is_served)} rows of the held-out data would be refused"
    return (f"{refused} (no value, an unknown category, a number far out of range): left out of the scores",)


def _judge_held_out(reading: Reading, table: Table, answered: Answered, wishes: Wishes) -> Judged:
    """Judge the model by rows that it was not trained on."""
    targets = _targets(table, wishes.targets, "held-out data")
    return judge(reading, targets, answered.answers, answered.is_served, f"{table.rows} rows that were not trained on")


def _card(
    content: bytes,
    wishes: Wishes,
    *,
    trial: Trial,
    policies: Sequence[Policy],
    chosen: Golden,
    judged: Judged,
    answers: Floats,
) -> dict[str, Any]:
    said, reading = wishes.said, trial.reading
    return {
        "name": wishes.name,
        "version": wishes.version,
        "title": said.title,
        "intended_use": said.intended_use,
        "not_for": said.not_for or [""],
        "runtime": "onnx",
        "file": _MODEL_FILE,
        "sha256": hashlib.sha256(content).hexdigest(),
        "task": reading.task,
        **_names(reading, judged, answers, said),
        "output": {"name": reading.output, "activation": reading.activation},
        "inputs": [
            describe(column, policy.name, policy.text) if column.item is None else card_part(column.slot, column.said)
            for column, policy in zip(trial.columns, policies, strict=True)
        ],
        "batch": "row_by_row" if trial.is_row_by_row else "together",
        "training": {
            "data": said.training.data,
            "citation": said.training.citation,
            "rows": len(answers),
            "method": said.training.method,
            "class_counts": dict(judged.class_counts),
        },
        "scores": dict(judged.scores),
        "golden_tolerance": golden.TOLERANCE,
        "golden_samples": [_sample(trial, sample) for sample in chosen.samples],
    }


def _names(reading: Reading, judged: Judged, answers: Floats, said: Said) -> dict[str, Any]:
    if reading.task == "embedding":
        return {}
    if reading.task != "regression":
        return {"classes": list(reading.classes)}
    targets = []
    for place, name in enumerate(reading.classes):
        finite = answers[np.isfinite(answers[:, place]), place]
        low, high = judged.ranges.get(name, (float(finite.min()), float(finite.max())))
        start = {"name": name, "description": "", "unit": "", "minimum": low, "maximum": high}
        start |= {"interval": judged.intervals[name]} if name in judged.intervals else {}
        targets.append({**start, **said.targets.get(name, {})})
    return {"targets": targets}


def _sample(trial: Trial, sample: golden.Sample) -> dict[str, Any]:
    features = {column.slot.name: value for column, value in zip(trial.columns, sample.given, strict=True)}
    if trial.reading.task == "embedding":
        return {"features": features, "expected": {"embedding": list(sample.answer)}}
    return {"features": features, "expected": dict(zip(trial.reading.classes, sample.answer, strict=True))}
