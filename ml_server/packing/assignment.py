"""Which column of the data feeds which place of the model."""

import re
from collections.abc import Collection, Mapping, Sequence

from ml_server.packing.columns import Slot
from ml_server.packing.probe import is_table, width
from ml_server.packing.refusal import PackingError
from ml_server.packing.table import Table
from ml_server.packing.wholes import suggestion
from ml_server.suggestions import did_you_mean
from ml_server.tensors import TEXT, TensorSpec
from ml_server.verification.findings import Finding, listed

_READ = (TEXT, "bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def assign(
    tensors: Sequence[TensorSpec],
    table: Table,
    chosen: Mapping[str, Sequence[str]],
    wholes: Collection[str] = (),
    *,
    may_guess: bool = False,
) -> list[Slot]:
    """Return a slot for each column that the model reads, in its own order.

    A tensor of one column takes the one of its name, in whatever order the data have them. Other tensors take those that
    were `chosen` for them, or what is left in the order of the data: texts go to the tensors of texts. `wholes` are the
    inputs that fill a tensor alone, a sequence or an image. `may_guess`: a tensor of any width may take all that is left,
    because there are reference predictions to judge that.

    Raises:
        PackingError: a column is not there, or how many are left does not fit.
    """
    headers: dict[str, list[str]] = {tensor.name: [] for tensor in tensors}
    findings = _take_chosen(tensors, table, chosen, headers)
    _take_wholes(tensors, [name for name in table.columns if card_name(name) in wholes], headers)
    waiting = [tensor for tensor in tensors if not headers[tensor.name]]
    findings += [finding for tensor in waiting for finding in _unread(tensor, table)]
    taken = {header for names in headers.values() for header in names}
    for tensor in [tensor for tensor in waiting if width(tensor) == 1]:
        header = _same_name(tensor.name, [name for name in table.columns if name not in taken])
        if header is not None:
            headers[tensor.name].append(header)
            taken.add(header)
            waiting.remove(tensor)
    left = [name for name in table.columns if name not in taken]
    if waiting and not findings:
        findings += _share_out(waiting, left, table, headers)
        if not may_guess:
            findings += [_open_width(tensor, headers[tensor.name]) for tensor in waiting if width(tensor) is None]
    if findings:
        raise PackingError(findings)
    return _slots(tensors, headers)


def check_targets(targets: Collection[str], tensors: Sequence[TensorSpec], left: Collection[str]) -> None:
    """Hold the columns that are predicted against what the model reads.

    Raises:
        PackingError: the model reads one of them, and no other column of the data has its name.
    """
    wanted = [tensor.name for tensor in tensors if _same_name(tensor.name, list(left)) is None]
    read = [target for target in targets if any(_letters(target) == _letters(name) for name in wanted)]
    if read:
        remedy = "give the column with what it predicts"
        raise PackingError(
            [Finding("--target", f"{listed(read)}, which is an input of the model", "the column that the model predicts", remedy)]
        )


def check_name(name: str) -> None:
    """Raise PackingError where a model cannot be called so, with a name that it can have."""
    if not _NAME.fullmatch(name):
        wanted = "letters, digits and underscores, at most 64, a letter first"
        raise PackingError([Finding("--name", repr(name), wanted, f"say {card_name(name)}")])


def _nearest(wanted: str, names: Sequence[str]) -> str:
    """Return the end of a complaint that asks for a column of almost that name, or of a name that begins with it."""
    hint = did_you_mean(wanted, names, at_most=1)
    longer = [
        name for name in names if _letters(name).startswith(_letters(wanted)) or _letters(wanted).startswith(_letters(name))
    ]
    return hint or (f"; did you mean {longer[0]}?" if len(longer) == 1 and _letters(longer[0]) else "")


def _unread(tensor: TensorSpec, table: Table) -> list[Finding]:
    """Return why no table can be read by a tensor."""
    if tensor.dtype not in _READ:
        remedy = "export it with float32, float64, whole numbers or texts as its input tensors"
        return [Finding(tensor.name, f"an input of the type {tensor.dtype}", "a tensor of numbers or texts", remedy)]
    if tensor.dtype == "float16":
        remedy = "export it in float32: float16 knows three digits of a measurement"
        return [Finding(tensor.name, "an input of float16", "float32 or float64", remedy)]
    may_be_sequence = "int" in tensor.dtype and len(table.columns) < (width(tensor) or 0)
    if is_table(tensor) and not may_be_sequence:
        return []
    texts = [name for name in table.columns if any(map(_is_text, table.columns[name]))]
    if is_table(tensor) and len(texts) != 1:
        return []
    header = card_name(texts[0]) if len(texts) == 1 else "COLUMN"
    found = f"a tensor of {len(tensor.shape)} axes {list(tensor.shape)} for a column of texts"
    remedy = f"say in the form how it is read, such as {suggestion(tensor.dtype, tensor.shape, header)}"
    return [Finding(tensor.name, found, "(rows, columns), or a sequence or an image", remedy)]


def _open_width(tensor: TensorSpec, names: Sequence[str]) -> Finding:
    found = "it takes any number of columns, so that nothing tells which of the data it was trained on"
    return Finding(tensor.name, found, "its columns, or --reference to judge them by", f"say --columns {','.join(names)}")


def _take_wholes(tensors: Sequence[TensorSpec], names: Sequence[str], headers: dict[str, list[str]]) -> None:
    """Give each sequence or image the tensor of its name, or the first that has more axes than a table, or the first."""
    for name in names:
        free = [tensor for tensor in tensors if not headers[tensor.name]]
        same = [tensor for tensor in free if tensor.name == name]
        deep = [tensor for tensor in free if not is_table(tensor)]
        for tensor in (same or deep or free)[:1]:
            headers[tensor.name].append(name)


def _take_chosen(
    tensors: Sequence[TensorSpec], table: Table, chosen: Mapping[str, Sequence[str]], headers: dict[str, list[str]]
) -> list[Finding]:
    findings = []
    known = {tensor.name: tensor for tensor in tensors}
    for name, columns in chosen.items():
        # Without a name the columns are those of the model's only tensor.
        tensor = known.get(name) if name else (tensors[0] if len(tensors) == 1 else None)
        if tensor is None:
            found = f"columns for {name!r}" if name else "columns for no tensor"
            findings.append(Finding("--columns", found, f"one of {listed(list(known), 10)}", "say TENSOR=a,b,c"))
            continue
        for column in columns:
            if column not in table.columns:
                remedy = f"give data that have it{did_you_mean(column, list(table.columns), at_most=1)}"
                findings.append(
                    Finding("--columns", f"no column {column!r}", f"one of {listed(list(table.columns), 10)}", remedy)
                )
        if width(tensor) not in {None, len(columns)}:
            found = f"{len(columns)} columns for {tensor.name}"
            findings.append(Finding("--columns", found, f"{width(tensor)}", "name exactly those that it was trained on"))
        headers[tensor.name].extend(columns)
    return findings


def _same_name(wanted: str, names: Sequence[str]) -> str | None:
    """Return the column of that name: exactly so, or as exporters write it, with other signs for spaces and points."""
    if wanted in names:
        return wanted
    same = [name for name in names if _letters(name) == _letters(wanted)]
    return same[0] if len(same) == 1 else None


def _letters(name: str) -> str:
    return re.sub(r"\W|_", "", name).lower()


def _share_out(waiting: Sequence[TensorSpec], left: Sequence[str], table: Table, headers: dict[str, list[str]]) -> list[Finding]:
    """Give the columns that are left to the tensors that wait; tell what does not fit."""
    if all(width(tensor) == 1 for tensor in waiting) and len(headers) > 1:
        return [
            Finding(
                tensor.name,
                "the model reads it, and the data have no column of that name",
                f"one of the columns left: {listed(left, 10) or 'there are none'}",
                f"rename or add the column{_nearest(tensor.name, left)}",
            )
            for tensor in waiting
        ]
    texts = [tensor for tensor in waiting if tensor.dtype == "string"]
    groups = [(waiting, left)]
    if texts and len(texts) < len(waiting):
        is_text = {name: any(_is_text(text) for text in table.columns[name]) for name in left}
        numbers = [tensor for tensor in waiting if tensor not in texts]
        groups = [(texts, [name for name in left if is_text[name]]), (numbers, [name for name in left if not is_text[name]])]
    findings = []
    for tensors, names in groups:
        open_ended = [tensor for tensor in tensors if width(tensor) is None]
        wanted = sum(width(tensor) or 0 for tensor in tensors)
        if len(open_ended) > 1 or (len(names) != wanted and not (open_ended and len(names) > wanted)):
            findings.append(_count_finding(tensors, names, wanted))
            continue
        rest = list(names)
        for tensor in tensors:
            count = width(tensor) or len(names) - wanted
            headers[tensor.name].extend(rest[:count])
            del rest[:count]
    return findings


def _count_finding(tensors: Sequence[TensorSpec], names: Sequence[str], wanted: int) -> Finding:
    field = ", ".join(tensor.name for tensor in tensors)
    found = f"the data have {len(names)} columns for it: {listed(names, 10)}"
    say = "--columns a,b,c" if len(tensors) == 1 else "--columns TENSOR=a,b,c"
    remedy = f"say which, in the order in which it was trained: {say}"
    if len(names) < wanted:
        remedy = (
            "give the data as the model was trained on them, with every column that was made before the export (such as one-hot)"
        )
    return Finding(field, found, f"{wanted} columns", remedy)


def _is_text(text: str | None) -> bool:
    if text is None:
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False


def _slots(tensors: Sequence[TensorSpec], headers: Mapping[str, Sequence[str]]) -> list[Slot]:
    taken: set[str] = set()
    slots = []
    for tensor in tensors:
        for header in headers[tensor.name]:
            name = _free(card_name(header), taken)
            taken.add(name)
            slots.append(Slot(name, header, tensor.name, tensor.dtype))
    return slots


def card_name(header: str) -> str:
    """Return a column's name as a card may have it: letters, digits and underscores of ASCII."""
    if _NAME.fullmatch(header):
        return header
    name = re.sub(r"[^A-Za-z0-9]+", "_", header).strip("_")[:60]
    return name if _NAME.fullmatch(name) else f"input_{name}".rstrip("_")


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
