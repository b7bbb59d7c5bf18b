"""The API's description (OpenAPI 3.1), made from the table of the routes and from their types."""

from __future__ import annotations

from typing import Any

import msgspec

from monitor_blueprint.domain.access import Role
from monitor_blueprint.web.answers import Refusal
from monitor_blueprint.web.requests import LARGEST_BODY
from monitor_blueprint.web.route import Route
from monitor_blueprint.web.routes import ROUTES

_REF = "#/components/schemas/{name}"
_MEANINGS = {
    200: "Done",
    201: "Made",
    202: "Under way",
    400: "The body is no JSON object",
    401: "No token, or one that is not known",
    403: "The token's role does not suffice; or another site has sent this",
    404: "Not there",
    405: "Cannot be used in this way",
    409: "Not possible as things are",
    413: f"The body is larger than {LARGEST_BODY} bytes",
    415: "Not sent as JSON",
    422: "A field cannot be used: `details` names it",
    429: "Too many wrong tokens",
    500: "A fault of the monitor's own",
}
_READING_REFUSALS = (401, 403, 404, 422, 429, 500)
_CHANGING_REFUSALS = (400, *_READING_REFUSALS, 413, 415)
_DESCRIPTION = """\
All that the monitor knows, and all that can be done. A token is sent as `Authorization: Bearer ...`, or as the password of
HTTP basic authentication, or as the cookie of a session. Changes are sent as JSON. Roles: stats, read, operate; what came
from outside and what people have typed is null for whoever may only read.
"""


def describe(server: str) -> msgspec.Raw:
    """Return the description of the API at this address."""
    types = [Refusal, *(each for route in ROUTES for each in (route.answer, route.query, route.body) if each is not None)]
    _, components = msgspec.json.schema_components(types, ref_template=_REF)
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, components)
    document = {
        "openapi": "3.1.0",
        "info": {"title": "NeuroNova monitor", "version": "1", "description": _DESCRIPTION, "license": {"name": "MIT"}},
        "servers": [{"url": server}],
        "security": [{"token": []}, {"password": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if not name.endswith("Query")},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
                "session": {"type": "apiKey", "in": "cookie", "name": "neuronova_session"},
            },
        },
    }
    return msgspec.Raw(msgspec.json.encode(document))


def _operation(route: Route, components: dict[str, Any]) -> dict[str, Any]:
    refusals = _READING_REFUSALS if route.method == "GET" else _CHANGING_REFUSALS
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": _needs(route.needs),
        "parameters": [*_places(route), *_query(route, components)],
        "responses": {
            **{str(status): _response(status, route.answer.__name__) for status in (route.status, *route.also)},
            **{str(status): _response(status, Refusal.__name__) for status in sorted({*refusals, *route.refusals})},
        },
    }
    if route.needs is None:
        found["security"] = []
    if route.body is not None:
        schema = {"$ref": _REF.format(name=route.body.__name__)}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return found


def _needs(role: Role | None) -> str:
    return "Needs no token." if role is None else f"Needs the role {role.word}."


def _response(status: int, name: str) -> dict[str, Any]:
    return {"description": _MEANINGS[status], "content": {"application/json": {"schema": {"$ref": _REF.format(name=name)}}}}


def _places(route: Route) -> list[dict[str, Any]]:
    found = []
    for part in route.path.split("/"):
        if part.startswith("{"):
            name = part.strip("{}")
            number = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
            schema = {"type": "string", "minLength": 1, "maxLength": 40} if name == "name" else number
            found.append({"name": name, "in": "path", "required": True, "schema": schema})
    return found


def _query(route: Route, components: dict[str, Any]) -> list[dict[str, Any]]:
    properties: dict[str, Any] = components[route.query.__name__].get("properties", {})
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in properties.items()]
