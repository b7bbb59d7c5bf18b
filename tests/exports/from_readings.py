"""Networks that read a sequence of letters or an image, by PyTorch."""

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn

from tests.exports.case import Case
from tests.exports.from_torch import export, fit

_MADE_BY = f"PyTorch {torch.__version__.split('+')[0]}"
_AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
_BASES = "ACGT"
_LENGTH = 24
_SIDE = 16
_IMAGES = 24


class MeanOfLetters(nn.Module):
    """A table of letters, of which 0 is padding, and the mean over the letters that are there."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(len(_AMINO_ACIDS) + 1, 4, padding_idx=0)
        self.out = nn.Linear(4, 2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        there = (ids > 0).to(torch.float32).sum(dim=1, keepdim=True)
        return torch.softmax(self.out(self.table(ids).sum(dim=1) / there), dim=1)


class Motifs(nn.Module):
    """A convolution over one-hot bases, which stand in rows (channels first) or in columns."""

    def __init__(self, *, bases_first: bool) -> None:
        super().__init__()
        self.bases_first = bases_first
        self.find = nn.Conv1d(len(_BASES), 6, 5)
        self.out = nn.Linear(6, 2)

    def forward(self, bases: torch.Tensor) -> torch.Tensor:
        rows = bases if self.bases_first else bases.transpose(1, 2)
        return torch.softmax(self.out(torch.relu(self.find(rows)).amax(dim=2)), dim=1)


class Patches(nn.Module):
    """A convolution over an image, as its bytes or as figures."""

    def __init__(self, channels: int, *, last: bool = False) -> None:
        super().__init__()
        self.last = last
        self.find = nn.Conv2d(channels, 4, 3, stride=2)
        self.out = nn.Linear(4, 2)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        figures = image.to(torch.float32) / 255 if image.dtype == torch.uint8 else image
        if self.last:
            figures = figures.permute(0, 3, 1, 2)
        return torch.softmax(self.out(torch.relu(self.find(figures)).mean(dim=(2, 3))), dim=1)


def cases() -> Iterator[Case]:
    """All of them."""
    torch.manual_seed(2)
    torch.set_num_threads(1)
    yield _protein()
    yield _dna("torch_dna_rows", "one-hot bases, (n, 4, length)", bases_first=True)
    yield _dna("torch_dna_columns", "one-hot bases, (n, length, 4)", bases_first=False)
    yield from _images()


def _letters(alphabet: str, shortest: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(shortest, _LENGTH + 1, 60)
    return ["".join(rng.choice(list(alphabet), length)) for length in lengths]


def _protein() -> Case:
    texts = _letters(_AMINO_ACIDS, 6, 1)
    ids = torch.tensor([[_AMINO_ACIDS.index(c) + 1 for c in text] + [0] * (_LENGTH - len(text)) for text in texts])
    share = np.array([sum(c in "AILMFVW" for c in text) / len(text) for text in texts])
    truth = (share > np.median(share)).astype(int)
    network = fit(MeanOfLetters(), _Likelihood(), torch.tensor(truth), ids)
    axes = {"tokens": {0: "batch"}, "probabilities": {0: "batch"}}
    model = export(network, ids[:1], input_names=["tokens"], output_names=["probabilities"], dynamic_axes=axes)
    rows = pd.DataFrame({"sequence": texts, "is_membrane": truth})
    letters = {"type": "sequence", "seq_type": "protein", "alphabet": _AMINO_ACIDS, "length": _LENGTH}
    return _case("torch_protein_ids", "amino acids as ids, padded with 0", model, rows, network, ids, letters)


def _dna(name: str, about: str, *, bases_first: bool) -> Case:
    texts = _letters(_BASES, _LENGTH, 2)
    onehot = np.zeros((len(texts), _LENGTH, len(_BASES)), np.float32)
    for row, text in enumerate(texts):
        onehot[row, range(len(text)), [_BASES.index(c) for c in text]] = 1
    given = torch.tensor(onehot.transpose(0, 2, 1).copy() if bases_first else onehot)
    truth = np.array([int("TA" in text[4:12]) for text in texts])
    network = fit(Motifs(bases_first=bases_first), _Likelihood(), torch.tensor(truth), given)
    axes = {"sequence": {0: "batch"}, "probabilities": {0: "batch"}}
    model = export(network, given[:1], input_names=["sequence"], output_names=["probabilities"], dynamic_axes=axes)
    rows = pd.DataFrame({"sequence": texts, "has_site": truth})
    encoding = "one_hot_first" if bases_first else "one_hot"
    letters = {"type": "sequence", "seq_type": "dna", "alphabet": _BASES, "length": _LENGTH, "encoding": encoding}
    return _case(name, about, model, rows, network, given, letters)


def _images() -> Iterator[Case]:
    rng = np.random.default_rng(3)
    truth = np.arange(_IMAGES) % 2
    coarse = rng.integers(20, 120, (_IMAGES, 4, 4, 3)) + 80 * truth[:, None, None, None] * np.array([1, 0, 0])
    colours = np.kron(coarse, np.ones((1, 4, 4, 1))).astype(np.uint8)
    grey = colours[..., 0]
    mean, sd = 0.4, 0.2
    yield _image("torch_image_bytes", "uint8 (n, 3, 16, 16)", colours, truth, lambda x: x.transpose(0, 3, 1, 2), Patches(3))
    scaled = {"scale": 1 / 255, "mean": [mean], "sd": [sd]}
    yield _image(
        "torch_image_grey",
        "float (n, 1, 16, 16), scaled and standardised before the model",
        grey,
        truth,
        lambda x: ((x[:, None] / 255 - mean) / sd).astype(np.float32),
        Patches(1),
        scaled,
    )
    yield _image(
        "torch_image_last",
        "float (n, 16, 16, 3) from 0 to 1",
        colours,
        truth,
        lambda x: (x / 255).astype(np.float32),
        Patches(3, last=True),
        {"scale": 1 / 255, "layout": "last"},
    )


def _image(
    name: str,
    about: str,
    images: Any,
    truth: Any,
    prepare: Callable[[Any], Any],
    network: nn.Module,
    told: Mapping[str, Any] | None = None,
) -> Case:
    given = torch.tensor(np.ascontiguousarray(prepare(images)))
    fit(network, _Likelihood(), torch.tensor(truth), given)
    axes = {"image": {0: "batch"}, "probabilities": {0: "batch"}}
    model = export(network, given[:1], input_names=["image"], output_names=["probabilities"], dynamic_axes=axes)
    names = [f"images/{number:02}.png" for number in range(len(images))]
    rows = pd.DataFrame({"image": names, "is_bleeding": truth})
    files = {path: _png(image) for path, image in zip(names, images, strict=True)}
    size = {"type": "image", "width": _SIDE, "height": _SIDE, "channels": 1 if images.ndim == 3 else 3}
    return _case(name, about, model, rows, network, given, size | dict(told or {}), files)


def _png(image: Any) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()


def _case(
    name: str,
    about: str,
    model: bytes,
    rows: pd.DataFrame,
    network: nn.Module,
    given: torch.Tensor,
    reading: Mapping[str, Any],
    files: Mapping[str, bytes] | None = None,
) -> Case:
    with torch.no_grad():
        answers = network(given).numpy()
    return Case(
        name=name,
        about=about,
        made_by=_MADE_BY,
        model=model,
        rows=rows,
        reference=pd.DataFrame(answers, columns=["0", "1"]),
        told={"target": str(rows.columns[-1])},
        reading=reading,
        expected={"task": "classification"},
        files=files or {},
    )


class _Likelihood(nn.Module):
    """The loss of probabilities."""

    def forward(self, answer: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        return nn.functional.nll_loss(torch.log(answer), truth)
