"""Settings: read from the environment once, and refused loudly.

Every variable starts with `ML_`; one that is not known is an error, so that a misspelt name cannot silently leave
a default (or no API key) in force.
"""

import difflib
import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml_server.errors import Detail, InvalidSettingsError

_PREFIX = "ML_"
BUNDLED_MODELS = Path(__file__).parent / "models"


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,12}", text) and low <= int(text) <= high:
            return int(text)
        raise ValueError(f"must be a whole number from {low} to {high}")

    return parse


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if low <= value <= high:
            return value
        raise ValueError(f"must be a number of seconds from {low:g} to {high:g}")

    return parse


def _matching(pattern: str, meaning: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if re.fullmatch(pattern, text):
            return text
        raise ValueError(f"must be {meaning}")

    return parse


def _directory(text: str) -> Path:
    path = Path(text)
    if path.is_absolute() and path.is_dir():
        return path
    raise ValueError("must be the absolute path of a directory that exists")


def _is_local(bind: str) -> bool:
    """Tell whether only this machine reaches the address; a name other than `localhost` could be anywhere."""
    host = bind.rpartition(":")[0].strip("[]")
    if bind.startswith("unix:") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Settings:
    """The ML server's settings; `model_dir` is the variable `ML_MODEL_DIR`, and so on.

    api_key: demanded in the header `X-API-Key` of everything but health and metrics; none is demanded if None.
    model_dir: directory of `<name>/<version>/model.json`.
    model, model_version: what is served where a request names nothing; the newest version if None.
    bind: address and port, or `unix:` and a path; what others than this machine reach needs an `api_key`.
    workers, threads: gunicorn's processes, and the threads of each.
    max_body_bytes, max_batch: the largest request body in bytes, and the most items in one batch.
    timeout_s: seconds that one run of a model may take.
    """

    api_key: str | None = field(default=None, repr=False)
    model_dir: Path = BUNDLED_MODELS
    model: str = "alzheimer_biomarkers"
    model_version: str | None = None
    bind: str = "127.0.0.1:9000"
    workers: int = 2
    threads: int = 4
    max_body_bytes: int = 1024 * 1024
    max_batch: int = 256
    timeout_s: float = 10.0


PARSERS: dict[str, Callable[[str], Any]] = {
    "api_key": _matching(r"[!-~]{16,256}", "16 to 256 printable ASCII characters without spaces"),
    "model_dir": _directory,
    "model": _matching(r"[A-Za-z][A-Za-z0-9_]{0,63}", "a model's name: letters, digits and _"),
    "model_version": _matching(r"[0-9]+\.[0-9]+\.[0-9]+", "a version such as 1.0.0"),
    "bind": _matching(r"unix:/\S+|(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}", "HOST:PORT or unix:/PATH"),
    "workers": _whole(1, 64),
    "threads": _whole(2, 256),
    "max_body_bytes": _whole(1024, 1024 * 1024 * 1024),
    "max_batch": _whole(1, 100_000),
    "timeout_s": _seconds(0.1, 600),
}


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from the `ML_*` variables; an empty variable counts as not set.

    Raises:
        InvalidSettingsError: names every variable that is unknown or has a value that is not allowed, and the key
            where it is missing and others than this machine could ask. The values are not repeated, as one of them
            may be the key.
    """
    known = {_PREFIX + setting.upper(): setting for setting in PARSERS}
    values: dict[str, Any] = {}
    problems = []
    for name in sorted(name for name in environ if name.startswith(_PREFIX)):
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0)[0]
            problems.append(Detail(name, f"is not a setting; did you mean {nearest}?"))
        elif environ[name]:
            try:
                values[known[name]] = PARSERS[known[name]](environ[name])
            except ValueError as error:
                problems.append(Detail(name, str(error)))
    if "api_key" not in values and not environ.get("ML_API_KEY") and not _is_local(values.get("bind", Settings.bind)):
        problems.append(Detail("ML_API_KEY", "must be set where ML_BIND is not a loopback address or unix:/PATH"))
    if problems:
        raise InvalidSettingsError(
            "wrong settings: " + "; ".join(f"{problem.field} {problem.problem}" for problem in problems),
            tuple(problems),
        )
    return Settings(**values)
