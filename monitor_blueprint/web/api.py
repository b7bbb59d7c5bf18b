"""The API: each route of the table answered by one document, or by one refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from monitor_blueprint.console.view import Answer
from monitor_blueprint.domain.access import Role
from monitor_blueprint.web import access
from monitor_blueprint.web.answers import RefusedError, document, refused
from monitor_blueprint.web.mounted import monitor
from monitor_blueprint.web.requests import LARGEST_BODY, read_body, read_query
from monitor_blueprint.web.route import Asked, Reply, Route
from monitor_blueprint.web.routes import ROUTES

PREFIX = "/api/v1"
# How the names of its endpoints begin.
ENDPOINT = "v1_"
_DESCRIPTION = "openapi.json"


def register(blueprint: Blueprint) -> None:
    """Add every route of the table to a blueprint."""
    for route in ROUTES:
        endpoint = f"{ENDPOINT}{route.name}"
        blueprint.add_url_rule(f"{PREFIX}{route.rule}", endpoint, _view(route), methods=[route.method])
    blueprint.add_url_rule(f"{PREFIX}/{_DESCRIPTION}", f"{ENDPOINT}openapi", description)


def is_asked() -> bool:
    """Tell whether the request is for the API, be it for an address that it does not have."""
    return f"{PREFIX}/" in f"{request.path}/"


def description() -> Response:
    """Return the API's description, OpenAPI 3.1."""
    try:
        access.require(Role.STATS)
    except RefusedError as error:
        return refused(error)
    # Few ask for it, and what it is made with takes memory.
    from monitor_blueprint.web.openapi import describe  # noqa: PLC0415

    return document(describe(url_for(".page").rstrip("/") + PREFIX))


def refuse(error: HTTPException) -> Response:
    """Answer what Flask refuses; a stranger does not get to know what it is."""
    try:
        access.require(Role.STATS)
    except RefusedError as refusal:
        return refused(refusal)
    return _refused(error)


def failed() -> Response:
    """Answer that something of ours has failed."""
    return refused(RefusedError(500, "internal", "it could not be answered"))


def _refused(error: HTTPException) -> Response:
    code = error.code or 500
    if isinstance(error, MethodNotAllowed):
        response = refused(RefusedError(code, "method_not_allowed", "this address cannot be used in this way"))
        response.allow.update(error.valid_methods or ())
        return response
    if code == 404:
        return refused(RefusedError(code, "not_found", "there is no such address"))
    if isinstance(error, RequestEntityTooLarge):
        return refused(RefusedError(code, "too_large", f"the body must not be larger than {LARGEST_BODY} bytes"))
    return refused(RefusedError(code, "refused", error.name))


def _view(route: Route) -> Callable[..., Response]:
    def answer(**places: Any) -> Response:
        try:
            return _reply(route.handle(_asked(route, places)), route)
        except RefusedError as error:
            return refused(error)
        except RequestEntityTooLarge as error:
            return _refused(error)

    return answer


def _asked(route: Route, places: dict[str, Any]) -> Asked:
    request.max_content_length = LARGEST_BODY
    visitor = access.require(route.needs) if route.needs is not None else access.asker().visitor
    access.refuse_other_sites()
    view = access.view(visitor)
    query = read_query(dict(request.args.lists()), route.query)
    body = read_body(request.get_data(), route.body) if route.body is not None else None
    return Asked(view, monitor(), places, query, body, request.cookies.get(access.COOKIE, ""))


def _reply(answer: Answer | Reply, route: Route) -> Response:
    reply = answer if isinstance(answer, Reply) else Reply(answer)
    response = document(reply.answer, reply.status or route.status)
    if reply.cookie is not None:
        access.keep(response, reply.cookie)
    return response
