"""The inference service: which models there are, which of them is asked, and its answers."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence

from ml_server.config import Settings
from ml_server.errors import MlServerError, ModelUnavailableError, UnknownModelError
from ml_server.model import Answer, Model, Result, load_model, no_answer, run_model
from ml_server.parts import RunFailure
from ml_server.repository import Entry, follow, read_models
from ml_server.schemas import Row
from ml_server.weighing import Standing

_LOADING = "it is loading"


class InferenceService:
    """Every installed model, each loaded and tested or with the reason why it is not served."""

    def __init__(self, settings: Settings) -> None:
        self._model_dir = settings.model_dir
        self._default_name = settings.model
        self._default_version = settings.model_version
        self._timeout_s = settings.timeout_s
        self._loading = threading.Lock()
        self._pinned: list[Entry] | None = None
        self._entries: list[Entry] = []
        self._models: dict[tuple[str, str], Model | str] = {}
        self._away: set[tuple[str, str]] = set()
        self._is_loaded = False
        self._default: Model | None = None
        self._problem: Callable[[Entry], str | None] | None = None

    def try_first(self, problem: Callable[[Entry], str | None]) -> None:
        """Ask this, before a model is loaded, why it must not be; None where it may."""
        self._problem = problem

    def pin(self) -> None:
        """Settle which versions there are and what is in them: for the process that forks the workers.

        Without it each worker would read the files at its own fork, and one that had to be replaced would serve something
        else than its neighbours, under another version or, with files that were overwritten, under the same.
        """
        self._pinned = self._entries = follow(self._pinned or (), read_models(self._model_dir))
        for entry in self._due():
            if self._problem is None or self._problem(entry) is None:
                break

    @property
    def due(self) -> Entry | None:
        """Return the version of the default model that is due, served or not; None where it is not installed."""
        return next(iter(self._due()), None)

    @property
    def warnings(self) -> list[str]:
        """Return what is odd about the installed versions, although they are served."""
        return [f"{entry.name} {entry.version}: {entry.warning}" for entry in self._entries if entry.warning]

    def load(self) -> None:
        """Load and self-test every installed model (the pinned ones, if `pin` was called), once; failures are kept,
        not raised.

        Must run after the server forked: the sessions of a runtime do not survive a fork. A second caller returns
        at once and meanwhile finds the models loading.
        """
        if self.load_default():
            self.load_others()

    def load_default(self) -> bool:
        """Do of `load` only what the default model needs, and tell whether this caller did: no other model delays it."""
        if self._is_loaded or not self._loading.acquire(blocking=False):
            return False
        try:
            self._entries = read_models(self._model_dir) if self._pinned is None else self._pinned
            self._models = {(entry.name, entry.version): _LOADING for entry in self._entries}
            for entry in self._due():
                if self._load(entry):
                    break
            self._is_loaded = True
            self._settle()
        finally:
            self._loading.release()
        return True

    def load_others(self) -> None:
        """Do the rest of `load`, while the default model is served: the newest version first, so that none stands in for it."""
        for entry in reversed(self._entries):
            if self._models[entry.name, entry.version] == _LOADING:
                self._load(entry)

    def load_away(self) -> bool:
        """Try again what could not be reached so far, and tell whether any is left."""
        for entry in self._entries:
            if (entry.name, entry.version) in self._away and self._load(entry):
                self._settle()
        return bool(self._away)

    def _settle(self) -> None:
        with contextlib.suppress(ModelUnavailableError):
            self._default = self.model()

    def _load(self, entry: Entry) -> bool:
        """Load a model, or keep the reason why not; tell whether it is served."""
        found: Model | str
        self._away.discard((entry.name, entry.version))
        try:
            problem = self._problem(entry) if self._problem else None
            found = problem or load_model(entry)
        except ModelUnavailableError as error:
            self._away.add((entry.name, entry.version))
            found = error.message
        except MlServerError as error:
            found = error.message
        except Exception as error:  # noqa: BLE001 - whatever a runtime raises, the others are served
            found = f"{type(error.__cause__ or error).__name__} while it was loaded"
        self._models[entry.name, entry.version] = found
        return isinstance(found, Model)

    @property
    def is_loaded(self) -> bool:
        """Tell whether the default model has been loaded, with whatever success."""
        return self._is_loaded

    @property
    def default(self) -> Model | None:
        """Return the default model, if it is served."""
        return self._default

    @property
    def is_ready(self) -> bool:
        """Tell whether the default model is served."""
        return self._default is not None

    @property
    def fallback_reason(self) -> str:
        """Return why something older is served as the default model than what is wanted; "" where it is that."""
        wanted = self.due
        if self._default is None or wanted is None:
            return ""
        if self._default.card.version == wanted.version:
            return f"{wanted.name} {wanted.version}: {wanted.warning}" if wanted.warning else ""
        return f"{wanted.name} {wanted.version} is not served: {self._models[wanted.name, wanted.version]}"

    def _due(self) -> list[Entry]:
        return self._in_turn(self._default_name, self._default_version)

    def _in_turn(self, name: str, version: str | None) -> list[Entry]:
        """Return the version of a model that is due (that one, the activated, or the newest), and what stands in for it.

        Those are the ones that were activated before it, the latest first, and then the older ones, the newest first: one
        that was taken back is newer, and no stand-in.
        """
        entries = [entry for entry in reversed(self._entries) if entry.name == name]
        if version is None:
            activated = sorted((entry for entry in entries if entry.rank is not None), key=lambda entry: entry.rank or 0)
            if not activated:
                return entries
            version = activated[0].version
        else:
            activated = []
        versions = [entry.version for entry in entries]
        older = entries[versions.index(version) :] if version in versions else []
        return [*activated, *(entry for entry in older if entry not in activated)]

    def installed(self) -> list[tuple[Entry, str | None]]:
        """Return every installed version, and why it is not served (None where it is)."""
        models = [(entry, self._models[entry.name, entry.version]) for entry in self._entries]
        return [(entry, model if isinstance(model, str) else None) for entry, model in models]

    def serves(self, name: str, version: str, digest: str) -> bool:
        """Tell whether this version is served, of these files; `digest` is that of answers."""
        model = self._models.get((name, version))
        return isinstance(model, Model) and model.digest == digest

    def notes(self, entry: Entry) -> tuple[str, ...]:
        """Return what the operator should know of how a version is run."""
        model = self._models[entry.name, entry.version]
        return model.runtime.notes if isinstance(model, Model) else ()

    def model(self, name: str | None = None, version: str | None = None) -> Model:
        """Return the model of that name and version: the default where none is named, the newest where no version is.

        An empty name or version is none. Where no version is asked for, and the one that is due is not served, it is the
        newest of those before it that are: a candidate that fails takes no good one down.

        Raises:
            UnknownModelError: a name or version was asked for that is not installed.
            ModelUnavailableError: it is loading, or failed; or the default is not installed at all.
        """
        if not self._is_loaded:
            raise ModelUnavailableError("the model is loading")
        wanted = name or self._default_name
        is_default = wanted == self._default_name and not version
        in_turn = self._in_turn(wanted, version or (self._default_version if is_default else None))
        if not in_turn:
            if is_default:
                what = f"{wanted} {self._default_version or ''}".rstrip()
                raise ModelUnavailableError(f"the model {what} is not installed")
            raise UnknownModelError("no model of that name and version is installed")
        for entry in in_turn[:1] if version else in_turn:
            model = self._models[wanted, entry.version]
            if isinstance(model, Model):
                return model
        due = in_turn[0].version
        raise ModelUnavailableError(f"the model {wanted} {due} is not served: {self._models[wanted, due]}")

    def predict(self, model: Model, rows: Sequence[Row], *, explain: bool, timeout_s: float | None = None) -> list[Result]:
        """Return the answers in the order of the rows; a row for which there is none is an error of its own.

        Each answer has its standing: what the card knows of such answers. A request that lacks too much, or is too far from
        the training data, is not put to the model. `timeout_s` is that of the settings unless given.

        Raises:
            PredictionTimeoutError: the model took too long.
            ModelFaultError: what it put out are no answers at all.
        """
        begun = time.perf_counter()
        if len(rows) == 1:
            standing = model.weighing.stand(rows[0])
            if not isinstance(standing, Standing):
                return [standing]
            (result,) = self._ask(model, rows, begun, explain=explain, timeout_s=timeout_s or self._timeout_s)
            return [_weighed(result, standing)]
        standings = [model.weighing.stand(row) for row in rows]
        asked = [row for row, standing in zip(rows, standings, strict=True) if isinstance(standing, Standing)]
        found = iter(self._ask(model, asked, begun, explain=explain, timeout_s=timeout_s or self._timeout_s) if asked else ())
        return [_weighed(next(found), standing) if isinstance(standing, Standing) else standing for standing in standings]

    def _ask(self, model: Model, rows: Sequence[Row], begun: float, *, explain: bool, timeout_s: float) -> list[Result]:
        try:
            return run_model(model, rows, explain=explain, timeout_s=timeout_s)
        except RunFailure:
            if len(rows) == 1:
                return [no_answer(rows[0])]
            deadline = begun + timeout_s
            return [_alone(model, row, explain=explain, timeout_s=deadline - time.perf_counter()) for row in rows]
        finally:
            if len(rows) == 1 and not explain:
                model.pace.add(time.perf_counter() - begun)


def _weighed(result: Result, standing: Standing) -> Result:
    if not isinstance(result, Answer):
        return result
    return Answer(result.numbers, result.importance, standing.warned(result.warnings), standing)


def _alone(model: Model, row: Row, *, explain: bool, timeout_s: float) -> Result:
    """Return the answer for one row of a run that failed: perhaps only another one was to blame."""
    try:
        (result,) = run_model(model, [row], explain=explain, timeout_s=timeout_s)
    except RunFailure:
        return no_answer(row)
    return result
