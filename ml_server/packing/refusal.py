"""Why a model cannot be packed: everything at once."""

from collections.abc import Sequence
from typing import ClassVar

from ml_server.errors import MlServerError
from ml_server.verification.findings import Finding

_LINES = "{0.field}\n    found:  {0.found}\n    wanted: {0.wanted}\n    remedy: {0.remedy}"


class PackingError(MlServerError):
    """A model cannot be packed; `findings` says all that is wrong, `inputs` what the form may describe, if that is known."""

    code: ClassVar[str] = "packing"

    def __init__(self, findings: Sequence[Finding], inputs: Sequence[str] = ()) -> None:
        super().__init__("\n".join(_LINES.format(each) for each in findings))
        self.findings = tuple(findings)
        self.inputs = tuple(inputs)
