"""PyTorch's networks, exported by both of its exporters."""

import io
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from tests.exports.case import Case
from tests.exports.patients import COMPLICATIONS, NUMBERS, SEVERITIES, complications, is_sick, people, severity, stay

_MADE_BY = f"PyTorch {torch.__version__.split('+')[0]}"
_BATCH = {0: "batch"}


class Scaled(nn.Module):
    """Layers behind the standardisation that people build into the network, so that it reads raw figures."""

    def __init__(self, frame: pd.DataFrame, *layers: nn.Module) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(frame.mean().to_numpy(), dtype=torch.float32))
        self.register_buffer("sd", torch.tensor(frame.std().to_numpy(), dtype=torch.float32))
        self.layers = nn.Sequential(*layers)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.layers((features - self.mean) / self.sd)


class Heads(nn.Module):
    """Two answers of one network."""

    def __init__(self, frame: pd.DataFrame) -> None:
        super().__init__()
        self.body = Scaled(frame, nn.Linear(len(frame.columns), 8), nn.ReLU())
        self.risk, self.days = nn.Linear(8, 3), nn.Linear(8, 1)

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        body = self.body(features)
        return torch.softmax(self.risk(body), 1), self.days(body)


class Mixed(nn.Module):
    """Numbers as they are, and the words' ids through tables."""

    def __init__(self, frame: pd.DataFrame) -> None:
        super().__init__()
        self.numbers = Scaled(frame[NUMBERS], nn.Identity())
        self.sexes, self.wards = nn.Embedding(2, 2), nn.Embedding(3, 2)
        self.out = nn.Sequential(nn.Linear(len(NUMBERS) + 4, 8), nn.ReLU(), nn.Linear(8, 2))

    def forward(self, numeric: torch.Tensor, categorical: torch.Tensor) -> torch.Tensor:
        words = [self.sexes(categorical[:, 0]), self.wards(categorical[:, 1])]
        return self.out(torch.cat([self.numbers(numeric), *words], dim=1))


class Stacked(nn.Module):
    """A column of each tensor."""

    def __init__(self, frame: pd.DataFrame) -> None:
        super().__init__()
        self.network = Scaled(frame, nn.Linear(len(frame.columns), 8), nn.ReLU(), nn.Linear(8, 3), nn.Softmax(1))

    def forward(self, *given: torch.Tensor) -> torch.Tensor:
        return self.network(torch.stack(given, dim=1))


class Hours(nn.Module):
    """Reads a course of measurements."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.out = nn.Conv1d(2, 4, 3), nn.Linear(4, 2)

    def forward(self, course: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.out(torch.relu(self.read(course.transpose(1, 2))).mean(dim=2)), 1)


def cases() -> Iterator[Case]:
    """All of them."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    yield from _logits()
    yield from _other_answers()
    yield from _several_tensors()
    yield from _fixed()
    yield from _refused()


def fit(network: nn.Module, loss: nn.Module, truth: torch.Tensor, *given: torch.Tensor, steps: int = 300) -> nn.Module:
    """Train on all rows at once; the network is returned ready to be exported."""
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    network.train()
    for _ in range(steps):
        optimiser.zero_grad()
        answer = network(*given)
        loss(answer, truth).backward()
        optimiser.step()
    return network.eval()


def export(network: nn.Module, *given: torch.Tensor, **options: Any) -> bytes:
    """Export by tracing, as most of the models that are about were."""
    content = io.BytesIO()
    torch.onnx.export(network, given, content, dynamo=False, opset_version=17, **options)
    return content.getvalue()


def export_by_dynamo(network: nn.Module, *given: torch.Tensor, **options: Any) -> dict[str, bytes]:
    """Export as `torch.onnx.export` does by default since 2.9: all files that it writes."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.onnx"
        torch.onnx.export(network, given, str(path), dynamo=True, verbose=False, **options)
        return {written.name: written.read_bytes() for written in Path(directory).iterdir()}


def tensor(values: Any) -> torch.Tensor:
    """Rows as float32."""
    return torch.tensor(np.asarray(values), dtype=torch.float32)


def _answers(network: nn.Module, *given: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return network(*given)


def _case(
    name: str,
    about: str,
    model: bytes,
    rows: pd.DataFrame,
    answers: torch.Tensor | None,
    names: list[str],
    *,
    task: str = "classification",
    told: Mapping[str, Any],
    refused: tuple[str, ...] = (),
    files: Mapping[str, bytes] | None = None,
) -> Case:
    return Case(
        name=name,
        about=about,
        made_by=_MADE_BY,
        model=model,
        rows=rows,
        reference=None if answers is None else pd.DataFrame(answers.numpy(), columns=names),
        told=told,
        expected={} if refused else {"task": task},
        refused=refused,
        files=files or {},
    )


def _logits() -> Iterator[Case]:
    frame = people(seed=7)
    numbers, sick, severe = frame[NUMBERS], is_sick(frame, 7), severity(frame, 7)
    given = tensor(numbers)
    classes = torch.tensor(severe.map(SEVERITIES.index).to_numpy())
    three = fit(Scaled(numbers, nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)), nn.CrossEntropyLoss(), classes, given)
    told = {"target": "severity", "activation": "softmax", "classes": SEVERITIES}
    softmax = torch.softmax(_answers(three, given), 1)
    yield _case(
        "torch_logits",
        "logits of three classes, whose order only a person knows",
        export(
            three,
            given[:1],
            input_names=["features"],
            output_names=["logits"],
            dynamic_axes={"features": _BATCH, "logits": _BATCH},
        ),
        numbers.join(severe),
        softmax,
        SEVERITIES,
        told=told,
    )
    written = export_by_dynamo(three, given[:2], dynamic_shapes=({0: torch.export.Dim("batch")},), external_data=False)
    yield _case(
        "torch_dynamo_logits",
        "the same by the newer exporter",
        written["model.onnx"],
        numbers.join(severe),
        softmax,
        SEVERITIES,
        told=told,
    )
    named = nn.Sequential(three, nn.Softmax(1))
    yield _case(
        "torch_named_output",
        "probabilities under another name",
        export(named, given[:1], input_names=["x"], output_names=["risk"], dynamic_axes={"x": _BATCH, "risk": _BATCH}),
        numbers.join(severe),
        softmax,
        SEVERITIES,
        told={"target": "severity", "classes": SEVERITIES},
    )
    one = fit(
        Scaled(numbers, nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 1), nn.Flatten(0)), nn.BCEWithLogitsLoss(), tensor(sick), given
    )
    chance = torch.sigmoid(_answers(one, given))
    yield _case(
        "torch_one_logit",
        "one logit of shape (n,) for two classes",
        export(
            one, given[:2], input_names=["features"], output_names=["logit"], dynamic_axes={"features": _BATCH, "logit": _BATCH}
        ),
        numbers.join(sick),
        torch.stack([1 - chance, chance], 1),
        ["0", "1"],
        told={"target": "is_sick", "activation": "sigmoid"},
    )


def _other_answers() -> Iterator[Case]:
    frame = people(seed=8)
    numbers, found, nights = frame[NUMBERS], complications(frame, 8), stay(frame, 8)
    given = tensor(numbers)
    labels = fit(Scaled(numbers, nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)), nn.BCEWithLogitsLoss(), tensor(found), given)
    yield _case(
        "torch_labels",
        "logits of three labels",
        export(
            labels,
            given[:1],
            input_names=["features"],
            output_names=["logits"],
            dynamic_axes={"features": _BATCH, "logits": _BATCH},
        ),
        numbers.join(found),
        torch.sigmoid(_answers(labels, given)),
        COMPLICATIONS,
        task="multi_label",
        told={"target": COMPLICATIONS, "task": "multi_label", "activation": "sigmoid"},
    )
    number = fit(
        Scaled(numbers, nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 1)), nn.MSELoss(), tensor(nights)[:, None], given, steps=900
    )
    yield _case(
        "torch_number",
        "one number of shape (n, 1)",
        export(
            number,
            given[:1],
            input_names=["input.1"],
            output_names=["output.0"],
            dynamic_axes={"input.1": _BATCH, "output.0": _BATCH},
        ),
        numbers.join(nights),
        _answers(number, given),
        ["stay_days"],
        task="regression",
        told={"target": "stay_days"},
    )
    vector = nn.Sequential(*list(labels.layers)[:1])
    body = Scaled(numbers, vector, nn.Tanh()).eval()
    yield _case(
        "torch_embedding",
        "eight coordinates",
        export(
            body,
            given[:1],
            input_names=["features"],
            output_names=["embedding"],
            dynamic_axes={"features": _BATCH, "embedding": _BATCH},
        ),
        numbers,
        _answers(body, given),
        [str(i) for i in range(8)],
        task="embedding",
        told={"task": "embedding"},
    )
    severe = severity(frame, 8)
    heads = Heads(numbers)
    classes = torch.tensor(severe.map(SEVERITIES.index).to_numpy())
    fit(nn.Sequential(heads, First()), nn.NLLLoss(), classes, given)
    two = export(
        heads,
        given[:1],
        input_names=["features"],
        output_names=["risk", "days"],
        dynamic_axes={"features": _BATCH, "risk": _BATCH, "days": _BATCH},
    )
    yield _case(
        "torch_two_heads",
        "two answers, one of which is asked for",
        two,
        numbers.join(severe),
        _answers(heads, given)[0],
        SEVERITIES,
        told={"target": "severity", "output": "risk", "classes": SEVERITIES},
    )


class First(nn.Module):
    """The logarithm of the first answer."""

    def forward(self, answers: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return torch.log(answers[0])


def _several_tensors() -> Iterator[Case]:
    frame = people(seed=9)
    sick = is_sick(frame, 9)
    ids = frame[["sex", "ward"]].apply(lambda column: column.astype("category").cat.codes)
    given = (tensor(frame[NUMBERS]), torch.tensor(ids.to_numpy(), dtype=torch.int64))
    mixed = fit(Mixed(frame), nn.CrossEntropyLoss(), torch.tensor(sick.to_numpy()), *given)
    answers = torch.softmax(_answers(mixed, *given), 1)
    batch = torch.export.Dim("batch")
    written = export_by_dynamo(mixed, *(part[:2] for part in given), dynamic_shapes=({0: batch}, {0: batch}), external_data=False)
    model = written["model.onnx"]
    told = {"target": "is_sick", "activation": "softmax"}
    yield _case(
        "torch_ids",
        "a tensor of numbers and one of ids, which the file has as ids",
        model,
        frame[NUMBERS].join(ids).join(sick),
        answers,
        ["0", "1"],
        told=told,
    )
    yield _case(
        "torch_ids_of_words",
        "the same, but the file has the words, whose ids are their places in the alphabet",
        model,
        frame[[*NUMBERS, "sex", "ward"]].join(sick),
        answers,
        ["0", "1"],
        told=told,
    )
    severe = severity(frame, 9)
    classes = torch.tensor(severe.map(SEVERITIES.index).to_numpy())
    flat = tuple(given[0][:, place] for place in range(len(NUMBERS)))
    stacked = fit(Stacked(frame[NUMBERS]), nn.NLLLoss(), classes, *flat)
    yield _case(
        "torch_flat_columns",
        "a tensor of shape (n,) for each column",
        export(
            stacked,
            *(part[:2] for part in flat),
            input_names=NUMBERS,
            output_names=["probabilities"],
            dynamic_axes=dict.fromkeys([*NUMBERS, "probabilities"], _BATCH),
        ),
        frame[NUMBERS].join(severe),
        _answers(stacked, *flat),
        SEVERITIES,
        told={"target": "severity", "classes": SEVERITIES},
    )


def _fixed() -> Iterator[Case]:
    frame = people(seed=10)
    numbers, sick = frame[NUMBERS], is_sick(frame, 10)
    given = tensor(numbers)
    two = fit(
        Scaled(numbers, nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2), nn.Softmax(1)),
        nn.NLLLoss(),
        torch.tensor(sick.to_numpy()),
        given,
    )
    rows, told = numbers.join(sick), {"target": "is_sick"}
    names = {"input_names": ["features"], "output_names": ["probabilities"]}
    yield _case(
        "torch_batch_of_one",
        "exported without dynamic axes for one row",
        export(two, given[:1], **names),
        rows,
        _answers(two, given),
        ["0", "1"],
        told=told,
    )
    dropped = fit(
        Scaled(numbers, nn.Linear(5, 8), nn.Dropout(0.5), nn.Linear(8, 2), nn.Softmax(1)),
        nn.NLLLoss(),
        torch.tensor(sick.to_numpy()),
        given,
    )
    answers = _answers(dropped, given)
    training = torch.onnx.TrainingMode.TRAINING
    axes = {"features": _BATCH, "probabilities": _BATCH}
    yield _case(
        "torch_dropout_left_on",
        "exported while it trained; onnxruntime leaves dropout out all the same",
        export(dropped.train(), given[:4], training=training, do_constant_folding=False, dynamic_axes=axes, **names),
        rows,
        answers,
        ["0", "1"],
        told=told,
    )
    yield _case(
        "no_batch_of_eight",
        "exported without dynamic axes for eight rows",
        export(two, given[:8], **names),
        rows,
        None,
        [],
        told=told,
        refused=("8", "batch"),
    )


def _refused() -> Iterator[Case]:
    frame = people(seed=11)
    numbers, sick = frame[NUMBERS], is_sick(frame, 11)
    given = tensor(numbers)
    rows, told = numbers.join(sick), {"target": "is_sick"}
    axes = {"features": _BATCH, "probabilities": _BATCH}
    names = {"input_names": ["features"], "output_names": ["probabilities"], "dynamic_axes": axes}
    truth = torch.tensor(sick.to_numpy())

    def refused(name: str, about: str, model: bytes, *words: str, files: Mapping[str, bytes] | None = None) -> Case:
        return _case(name, about, model, rows, None, [], told=told, refused=words, files=files)

    wide = fit(
        Scaled(numbers, nn.Linear(5, 128), nn.ReLU(), nn.Linear(128, 2), nn.Softmax(1)), nn.NLLLoss(), truth, given, steps=50
    )
    written = export_by_dynamo(wide, given[:2], dynamic_shapes=({0: torch.export.Dim("batch")},), external_data=True)
    model = written.pop("model.onnx")
    yield refused(
        "no_external_data",
        "the weights are in a second file, as by default",
        model,
        "external data",
        "model.onnx.data",
        files=written,
    )

    model = export(Sampled(wide), given[:4], **names)
    yield refused("no_random_sample", "noise is drawn for every answer: another one each time", model, "twice")

    normed = fit(Scaled(numbers, nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Linear(8, 2), nn.Softmax(1)), nn.NLLLoss(), truth, given)
    model = export(Batched(normed), given[:4], **names)
    yield refused(
        "no_batch_statistics", "standardised over the rows of each request: the neighbours change the answer", model, "batch"
    )

    course = export(
        Hours(),
        torch.zeros(2, 6, 2),
        input_names=["course"],
        output_names=["probabilities"],
        dynamic_axes={"course": _BATCH, "probabilities": _BATCH},
    )
    yield refused("no_course_of_time", "six hours of two measurements: (n, 6, 2)", course, "axes", "course")

    halved = nn.Sequential(wide).half()
    half = export(halved, given[:1].half(), **names)
    answers = _answers(halved, given.half()).float()
    yield _case(
        "no_half_precision",
        "float16, which no two programs round alike",
        half,
        rows,
        answers,
        ["0", "1"],
        told=told,
        refused=("float16",),
    )


class Sampled(nn.Module):
    """What draws noise to show how unsure it is."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.network(features + 0.5 * torch.randn_like(features))


class Batched(nn.Module):
    """What standardises over the batch that it is given."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.network(features + (features - features.mean(dim=0)))
