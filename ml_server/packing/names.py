"""The names of what is answered: classes, labels or targets, in the order of the model's columns."""

from collections.abc import Mapping, Sequence

from ml_server.packing.assignment import card_name
from ml_server.packing.outputs import Raw, classes_by_label, order, plain_label
from ml_server.packing.refusal import PackingError
from ml_server.verification.findings import Finding, listed

_TRUTHS = ("False", "True")
Targets = Mapping[str, Sequence[str | None]]


def find_names(
    task: str, raw: Raw, labels: Sequence[str] | None, *, targets: Targets, reference: Sequence[str], said: Sequence[str]
) -> tuple[str, ...]:
    """Return a name for each column of the answers; none for an embedding.

    They are those that were said, or that the model itself names, or the target's, or the reference predictions'.

    Raises:
        PackingError: nothing tells them, or they are not as many as the model's columns.
    """
    if task == "embedding":
        return ()
    if task == "classification":
        return _classes(raw, labels, targets, reference, said)
    count = raw.columns
    names = list(said) or list(targets) or [name for name in reference if not name.strip().isdecimal()]
    if not names and task == "regression":
        names = ["value"] if count == 1 else [f"value_{number}" for number in range(1, count + 1)]
    if len(names) != count:
        what = "--target" if task == "regression" else "--classes"
        found = f"{len(names)} names ({listed(names, 10)})" if names else "no names"
        raise PackingError(
            [Finding(what, found, f"{count}: the model's output has as many columns", f"say {what} a,b,c in its order")]
        )
    return tuple(card_name(name) for name in names) if task == "regression" else tuple(names)


def _classes(
    raw: Raw, labels: Sequence[str] | None, targets: Targets, reference: Sequence[str], said: Sequence[str]
) -> tuple[str, ...]:
    count = max(raw.columns, 2)
    values = order({plain_label(text) for texts in targets.values() for text in texts if text is not None})
    by_label = classes_by_label(raw, labels) if labels is not None else {}
    found: list[str] = list(said)
    own = own_names(raw, labels)
    if said:
        _check_said(said, own)
    if not found and raw.keys:
        found = list(own.values())
    if not found and len(values) == count and all(values[column] == label for column, label in by_label.items()):
        found = values
    if not found and len(by_label) == count:
        found = [by_label[column] for column in range(count)]
    if not found and len(reference) == count:
        found = list(reference)
    if not found and values:
        told = f"{len(values)} values ({listed(values, 10)}) where the model has {count} classes"
        remedy = "take the target that it was trained on, or say --classes a,b in the model's order"
        if len(values) == count and by_label:
            told = f"{listed(values, 10)}, and the model answers every row with {listed(sorted(set(by_label.values())), 10)}"
            remedy = f"are the columns in the order of the training? Say --columns a,b,c; or --classes {','.join(values)}"
        raise PackingError([Finding("--target", told, "values that are classes of the model", remedy)])
    if len(found) != count:
        told = f"{len(found)} classes ({listed(found, 10)})" if found else "nothing names the model's classes"
        raise PackingError(
            [Finding("--classes", told, f"{count} names", "say --classes a,b in the model's order, or --target COLUMN")]
        )
    # skl2onnx writes the classes False and True as 0 and 1.
    are_truths = found == ["0", "1"] and set(_TRUTHS) in (set(values), set(reference))
    return _TRUTHS if are_truths else tuple(found)


def own_names(raw: Raw, labels: Sequence[str] | None) -> dict[int, str]:
    """Return what the model itself calls the class of each column, where it does: by its map of classes, or by the label
    that it names where that column is the largest.
    """
    if raw.keys:
        return dict(enumerate(map(plain_label, raw.keys)))
    found = {} if labels is None else classes_by_label(raw, labels)
    return dict(sorted(found.items())) if len(set(found.values())) == len(found) else {}


def _check_said(said: Sequence[str], own: Mapping[int, str]) -> None:
    """Hold the classes that were said against the model's own names.

    Raises:
        PackingError: they are the same names in another order.
    """
    wrong = [column for column, name in own.items() if name in said and list(said).index(name) != column]
    if wrong:
        found = f"{listed(said, 10)}: {listed([own[column] for column in wrong], 10)} in another place than in the model"
        remedy = "leave --classes out: the model names its classes itself"
        raise PackingError([Finding("--classes", found, f"the model's own order: {listed(own.values(), 10)}", remedy)])


def number_classes(texts: Sequence[str | None], classes: Sequence[str], field: str) -> list[int | None]:
    """Return the number of each row's class; None where it is not known.

    Codes stand for named classes in their order: 0 and 1 for Control and Impaired.

    Raises:
        PackingError: the target has classes that the model does not have.
    """
    plain = [None if text is None else plain_label(text) for text in texts]
    values = order({text for text in plain if text is not None})
    place = {name: number for number, name in enumerate(classes)}
    unknown = [value for value in values if value not in place]
    if unknown and len(unknown) == len(values) == len(classes):
        place = {value: number for number, value in enumerate(values)}
    elif unknown:
        remedy = "correct these rows, or say --classes in the model's order if it has other names for them"
        raise PackingError(
            [Finding(field, f"{listed(unknown)}, which the model does not have", f"one of {listed(classes, 10)}", remedy)]
        )
    return [None if text is None else place[text] for text in plain]
