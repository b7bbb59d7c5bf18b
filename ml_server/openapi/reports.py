"""Answers that tell what other parts of the server have found out, in their own types."""

import msgspec

from ml_server.answers import Described
from ml_server.drift.report import Drift
from ml_server.feedback.summary import Version
from ml_server.reloading import Outcome
from ml_server.reporting import Section
from ml_server.silent.report import Report


class ModelReport(Described, frozen=True, kw_only=True):
    """What is known of a model, by the items of TRIPOD+AI."""

    title: str
    research_only: bool
    sections: list[Section]


class ReloadAnswer(Outcome, frozen=True, kw_only=True):
    """What came of a reload: 200 whatever it is; `ok` says whether the version that is due is served."""

    request_id: str


class KeptDays(msgspec.Struct, frozen=True):
    """How long an answer is kept while nobody has said what was true of it, and after."""

    open: int
    judged: int


class FeedbackSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How good each version's answers were, against its card."""

    ok: bool
    kept_days: KeptDays
    models: list[Version]
    request_id: str


class Drifts(msgspec.Struct, frozen=True, kw_only=True):
    """Of whom each version was asked, against those in training."""

    ok: bool
    models: list[Drift]
    request_id: str


class TrialAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the silent trial that runs, or of the last one; null where there was none."""

    ok: bool
    trial: Report | None
    request_id: str
