"""What a route of the API is, and what its function is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from monitor_blueprint.console.view import Answer, View
from monitor_blueprint.domain.access import Role

if TYPE_CHECKING:
    from monitor_blueprint.web.extension import Monitor


class NoFields(msgspec.Struct, frozen=True):
    """A query, or a body, in which there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, read.

    Attributes:
        view: what documents are made of, for whoever asks.
        monitor: the monitor of the application.
        places: what stands in the places of the address.
        query, body: of the types that the route names.
        session: the key of the visitor's session; "" without one.
    """

    view: View
    monitor: Monitor
    places: Mapping[str, Any]
    query: Any
    body: Any
    session: str


@dataclass(frozen=True, slots=True)
class Cookie:
    """The key of a session, and for how many seconds the browser keeps it."""

    key: str
    lasts_s: int


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with something beside the document."""

    answer: Answer
    status: int = 0
    cookie: Cookie | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One way to use an address.

    Attributes:
        method, rule: how and where, as Flask writes it.
        name: of the endpoint, and of the operation.
        needs: the role that it takes; None: whoever comes.
        summary: what it does, in a line.
        answer: the type of its document.
        handle: what answers.
        query, body: the types of what is asked; `body` None where none is read.
        status: of the answer, where the reply has no other.
        also: the statuses that its answer can have besides.
        refusals: the statuses of its refusals, beside those that every route has.
    """

    method: str
    rule: str
    name: str
    needs: Role | None
    summary: str
    answer: type[Answer]
    handle: Callable[[Asked], Answer | Reply]
    query: type[msgspec.Struct] = NoFields
    body: type[msgspec.Struct] | None = None
    status: int = 200
    also: tuple[int, ...] = ()
    refusals: tuple[int, ...] = ()

    @property
    def path(self) -> str:
        """Return where it is, as OpenAPI writes it."""
        return re.sub(r"<(?:[^:>]*:)?(\w+)>", r"{\1}", self.rule)
