"""What the monitor runs by, kept in its state directory: a file that has become wrong since leaves its commands usable."""

from __future__ import annotations

import os
import re
import secrets
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec

from monitor_blueprint.config.digest import digest_of
from monitor_blueprint.config.model import Config, ConfigError
from monitor_blueprint.config.parse import file_of, load, parse
from monitor_blueprint.config.sections import Settings

_FILE = "config_in_use.json"
# As much of a file that may be no TOML any more as has to be known.
_STATE_DIR = re.compile(r"""^\s*state_dir\s*=\s*(["'])(.+?)\1""", re.MULTILINE)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The text of the file that the monitor runs by: where it is from, and since when it is in use (UTC)."""

    source: str
    since: datetime
    text: str


_KEPT = msgspec.json.Decoder(Kept)


_KEPT = msgspec.json.Decoder(Kept)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration to work by.

    Attributes:
        config: what the file says, or what the monitor last ran by where that cannot be used.
        fault: why the file, or the environment, cannot be used; "" when it can.
        kept: what the monitor last ran by, if any is known.
    """

    config: Config
    fault: str = ""
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """The file says something else than what the monitor runs by; `fault` is why that cannot be used, "" when it can."""

    fault: str = ""


class Watched:
    """The file, held against the text that the monitor runs by."""

    def __init__(self, config: Config, text: str = "", fault: str = "") -> None:
        """Take a configuration of that file.

        Args:
            config: what is worked by.
            text: what the monitor runs by, where that is another text than the configuration's.
            fault: why the file, or the environment, cannot be used, where that is known already.
        """
        self._config = config
        self._text = text or config.text
        self._last: tuple[str | None, Difference | None] = (self._text, None)
        if fault:
            self._last = (_text_of(config.source), Difference(fault))

    def difference(self) -> Difference | None:
        """Return how the file differs in what it asks for; None where it does not, or is not known to be one."""
        if not self._text:
            return None
        found = _text_of(self._config.source)
        if found != self._last[0]:
            self._last = (found, self._compared())
        return self._last[1]

    def _compared(self) -> Difference | None:
        try:
            asked = load(self._config.environ)
        except ConfigError as error:
            return Difference(str(error))
        try:
            is_same = digest_of(asked) == digest_of(_parsed(self._config, self._text))
        except ConfigError:
            # It was written for another version of the program.
            is_same = False
        return None if is_same else Difference()


def keep(config: Config, now: datetime) -> None:
    """Keep what the monitor runs by from now on; raises OSError where it cannot be written."""
    before = _read(config.state_dir, config.source)
    if not config.text or (before is not None and before.text == config.text):
        return
    path = config.state_dir / _FILE
    new = path.with_name(f"{_FILE}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "wb") as file:
            file.write(msgspec.json.encode(Kept(source=config.source, since=now, text=config.text)))
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def load_in_use(environ: Mapping[str, str] = os.environ) -> Loaded:
    """Return what the file says or, where that cannot be used, what the monitor last ran by.

    Raises:
        ConfigError: it cannot be used, and no monitor has run by this file yet.
    """
    try:
        config = load(environ)
    except ConfigError as error:
        kept = _last_kept(environ)
        if kept is None:
            raise
        return Loaded(_config_of(kept, environ, error), str(error), kept)
    return Loaded(config, kept=_read(config.state_dir, config.source))


def _last_kept(environ: Mapping[str, str]) -> Kept | None:
    path = file_of(environ)
    found = (_read(directory, str(path)) for directory in _directories(_text_of(str(path)) or "", environ))
    return next((each for each in found if each is not None), None)


def _directories(text: str, environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield where the state may be; the directory that the file names may be what is wrong with it."""
    yield from (Path(found[2]) for found in _STATE_DIR.finditer(text))
    yield from map(Path, environ.get("STATE_DIRECTORY", "").split(":"))
    yield Path(Settings().state_dir)


def _config_of(kept: Kept, environ: Mapping[str, str], fault: ConfigError) -> Config:
    document = tomllib.loads(kept.text)
    is_embedded = not environ.get("NEURONOVA_CONFIG")
    try:
        config = parse(document, environ, source=kept.source, is_embedded=is_embedded)
    except ConfigError:
        # It is the environment that is wrong, or a program's file that is gone. A channel that cannot be used is left out.
        try:
            config = parse(document, {}, source=kept.source, is_embedded=is_embedded)
        except ConfigError:
            raise fault from None
    return replace(config, environ=environ, text=kept.text)


def _parsed(config: Config, text: str) -> Config:
    if text == config.text:
        return config
    return parse(tomllib.loads(text), config.environ, source=config.source, is_embedded=config.is_embedded)


def _read(directory: Path, source: str) -> Kept | None:
    with suppress(OSError, msgspec.MsgspecError):
        kept = _KEPT.decode((directory / _FILE).read_bytes())
        return kept if kept.source == source else None
    return None


def _text_of(source: str) -> str | None:
    with suppress(OSError, UnicodeDecodeError):
        return Path(source).read_text(encoding="utf-8")
    return None
