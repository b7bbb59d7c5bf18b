"""Whether the card that was made would be served."""

import copy
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from ml_server.card import read_card
from ml_server.errors import BrokenModelError
from ml_server.packing.refusal import PackingError
from ml_server.repository import Entry
from ml_server.verification.findings import Finding, refusals
from ml_server.verification.verify import verify

_NOT_YET_SAID = "?"


def check_served(card: Mapping[str, Any], content: bytes, form: str) -> list[Finding]:
    """Verify the model with its card, as if the form, a file of that name, were filled in; return what is worth a look.

    Raises:
        PackingError: it would not be served; says why.
    """
    encoded = msgspec.json.encode(_as_if_filled_in(card))
    try:
        read = read_card(encoded)
    except BrokenModelError as error:
        wanted, remedy = "a card that can be served", f"say it in {form}, or with an option"
        raise PackingError([Finding(field, problem, wanted, remedy) for field, problem in error.details]) from error
    found = verify(Entry(read.name, read.version, read, digest=hashlib.sha256(encoded).hexdigest(), content=content))
    if refusals(found):
        raise PackingError(refusals(found))
    return found


def _as_if_filled_in(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card with something in each text that only a person can say."""
    filled = copy.deepcopy(dict(card))
    for part in (filled, filled["training"], *filled["inputs"], *filled.get("targets", ())):
        for key in ("title", "intended_use", "data", "citation", "method", "description", "unit"):
            if part.get(key) == "":
                part[key] = _NOT_YET_SAID
    filled["not_for"] = [text or _NOT_YET_SAID for text in filled["not_for"]]
    return filled
