"""Settings: read from the environment once, and refused loudly.

Every variable starts with `ML_`; one that is not known is an error, so that a misspelt name cannot silently leave
a default (or no API key) in force.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from msgspec import Meta

from ml_server.errors import Detail, InvalidSettingsError
from ml_server.suggestions import did_you_mean

_PREFIX = "ML_"
BUNDLED_MODELS = Path(__file__).parent / "models"


def _whole(low: int, high: int) -> Meta:
    return Meta(ge=low, le=high, description=f"a whole number from {low} to {high}")


def _seconds(low: float, high: float) -> Meta:
    return Meta(ge=low, le=high, description=f"a number of seconds from {low:g} to {high:g}")


def _matching(pattern: str, meaning: str) -> Meta:
    return Meta(pattern=rf"^(?:{pattern})\Z", description=meaning)


_KEY = _matching(r"[!-~]{16,256}", "16 to 256 printable ASCII characters without spaces")
_SECRETS = ("api_key", "admin_key")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ML server's settings; `model_dir` is the variable `ML_MODEL_DIR`, and so on.

    Attributes:
        api_key: demanded in the header `X-API-Key` of everything but health and metrics; none is demanded if None.
        admin_key: demanded in the header `X-API-Key` of what only administrators may do; none of it is done if None.
        model_dir: directory of `<name>/<version>/model.json`.
        state_dir: directory of what the server keeps (`ml_server.db`), made where it is not there; nothing is kept if None.
        model: name of the model that is served where a request names none.
        model_version: the version that is served where a request names none; the newest if None.
        bind: address and port, or `unix:` and a path; what others than this machine reach needs an `api_key`.
        workers: gunicorn's processes.
        threads: threads of each process: half for predictions that take their time, half for what Flask answers.
        max_body_bytes: the largest request body; an image in base64 takes a third more than its file.
        max_batch: the most items in one batch.
        timeout_s: seconds that one run of a model may take.
        load_timeout_s: seconds in which a model must have been loaded and tested.
        load_memory_mb: megabytes that a model may take for that, beside four times the size of its file.
    """

    api_key: Annotated[str, _KEY] | None = None
    admin_key: Annotated[str, _KEY] | None = None
    model_dir: Annotated[Path, Meta(description="the absolute path of a directory that exists")] = BUNDLED_MODELS
    state_dir: Annotated[Path, Meta(description="the absolute path of a directory, or of one that can be made")] | None = None
    model: Annotated[str, _matching(r"[A-Za-z][A-Za-z0-9_]{0,63}", "a model's name: letters, digits and _")] = (
        "alzheimer_biomarkers"
    )
    model_version: Annotated[str, _matching(r"[0-9]+\.[0-9]+\.[0-9]+", "a version such as 1.0.0")] | None = None
    bind: Annotated[str, _matching(r"unix:/\S+|(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}", "HOST:PORT or unix:/PATH")] = (
        "127.0.0.1:9000"
    )
    workers: Annotated[int, _whole(1, 64)] = 2
    threads: Annotated[int, _whole(2, 256)] = 4
    max_body_bytes: Annotated[int, _whole(1024, 1024 * 1024 * 1024)] = 16 * 1024 * 1024
    max_batch: Annotated[int, _whole(1, 100_000)] = 256
    timeout_s: Annotated[float, _seconds(0.1, 600)] = 10.0
    load_timeout_s: Annotated[float, _seconds(1, 50)] = 20.0
    load_memory_mb: Annotated[int, _whole(64, 1024 * 1024)] = 512

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name not in _SECRETS)
        return f"Settings({', '.join(shown)})"


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from the `ML_*` variables; an empty variable counts as not set.

    Raises:
        InvalidSettingsError: names every variable that is unknown or has a value that is not allowed, and the key
            where it is missing and others than this machine could ask. The values are not repeated, as one of them
            may be the key.
    """
    types = get_type_hints(Settings, include_extras=True)
    known = {_PREFIX + setting.upper(): setting for setting in types}
    values: dict[str, Any] = {}
    problems = []
    for name in sorted(name for name in environ if name.startswith(_PREFIX)):
        if name not in known:
            problems.append(Detail(name, "is not a setting" + did_you_mean(name, known, at_most=1, cutoff=0)))
        elif environ[name]:
            try:
                values[known[name]] = _value(environ[name], types[known[name]])
                is_missing = name == "ML_MODEL_DIR" and not values[known[name]].is_dir()
            except ValueError:
                is_missing = True
            if is_missing:
                problems.append(Detail(name, f"must be {_allowed(types[known[name]])}"))
    settings = Settings(**values)
    if not environ.get("ML_API_KEY") and not _is_local(settings.bind):
        problems.append(Detail("ML_API_KEY", "must be set where ML_BIND is not a loopback address or unix:/PATH"))
    if settings.admin_key is not None and settings.admin_key == settings.api_key:
        problems.append(Detail("ML_ADMIN_KEY", "must be another key than ML_API_KEY"))
    if problems:
        raise InvalidSettingsError(
            "wrong settings: " + "; ".join(f"{problem.field} {problem.problem}" for problem in problems),
            tuple(problems),
        )
    return settings


def _value(text: str, allowed: Any) -> Any:
    value = msgspec.convert(text, allowed, strict=False, dec_hook=_absolute)
    if isinstance(value, int) and str(value) != text:
        raise ValueError("msgspec takes 1e3 and 1000.0 for a whole number too")
    return value


def _absolute(_type: type[Path], text: str) -> Path:
    path = Path(text)
    if not path.is_absolute() or (path.exists() and not path.is_dir()):
        raise ValueError("no path of a directory")
    return path


def _allowed(setting: Any) -> str:
    """Return the description in a setting's type, which may also be None."""
    (description,) = [meta.description for each in (setting, *get_args(setting)) for meta in getattr(each, "__metadata__", ())]
    return str(description)


def _is_local(bind: str) -> bool:
    """Tell whether only this machine reaches the address; a name other than `localhost` could be anywhere."""
    host = bind.rpartition(":")[0].strip("[]")
    if bind.startswith("unix:") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
