"""One export: what its folder holds, and how it is written and read."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

DIRECTORY = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """A model as its tool exports it, the rows that it was trained on, and what the tool itself predicts for them.

    `told` is all that `pack` is told besides the files, and `reading` how a sequence or an image is read. Either `reference`
    and `expected` say what is answered, or `refused` has the words that the refusal must contain.
    """

    name: str
    about: str
    made_by: str
    model: bytes
    rows: pd.DataFrame
    reference: pd.DataFrame | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)
    expected: Mapping[str, Any] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)

    def write(self, above: Path) -> None:
        """Write the folder; an earlier one is replaced file by file."""
        folder = above / self.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(self.model)
        self.rows.to_csv(folder / "train.csv", index=False, date_format="%Y-%m-%d")
        if self.reference is not None:
            self.reference.to_csv(folder / "reference.csv", index=False, float_format="%.9g")
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        (folder / "case.toml").write_text(self._described(), encoding="utf-8")

    def _described(self) -> str:
        lines = [f"about = {_toml(self.about)}", f"made_by = {_toml(self.made_by)}"]
        if self.refused:
            lines.append(f"refused = {_toml(list(self.refused))}")
        for name, table in (("told", self.told), ("reading", self.reading), ("expected", self.expected)):
            if table:
                lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Kept:
    """A case as its folder has it."""

    name: str
    folder: Path
    told: dict[str, Any]
    reading: dict[str, Any]
    expected: dict[str, Any]
    refused: tuple[str, ...]


def read_cases() -> list[Kept]:
    """Every case that is kept here, by name."""
    return [_read(path.parent) for path in sorted(DIRECTORY.glob("*/case.toml"))]


def _read(folder: Path) -> Kept:
    described = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    return Kept(
        name=folder.name,
        folder=folder,
        told=described.get("told", {}),
        reading=described.get("reading", {}),
        expected=described.get("expected", {}),
        refused=tuple(described.get("refused", [])),
    )


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)
