"""The monitor's addresses: those for programs, the operators' pages, and what is no address; and who is let in."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, abort, current_app, request, send_from_directory, url_for
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from monitor_blueprint.domain.access import Role
from monitor_blueprint.domain.text import configured, fill
from monitor_blueprint.log import Log
from monitor_blueprint.web import access, api, programs, public
from monitor_blueprint.web.answers import RefusedError, open_json, secure, see_other
from monitor_blueprint.web.pages import language, page, routes, signing_in

_log = Log(__name__)
_OPEN = ("health", "static", *routes.OPEN)
_ROLES = {"system_stats": Role.STATS, "metrics_text": Role.READ, **routes.ROLES}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_JSON_ERROR = {
    401: fill("the administrators' token is needed"),
    404: fill("there is no such address"),
    405: fill("this address is only read"),
    500: fill("it could not be answered"),
}
_STATIC = Path(__file__).with_name("static")


def make_blueprint(name: str, *, has_own_place: bool, has_public: bool) -> Blueprint:
    """Return the pages as a blueprint for one application, which finds the monitor among its extensions.

    With a place of its own (a prefix, a sub-domain) the blueprint also answers for all that is no address there; only with
    `has_public` does it take the addresses of the public page.
    """
    blueprint = Blueprint(name, __name__)
    blueprint.before_request(_guard)
    blueprint.after_request(secured)
    blueprint.get("/health")(programs.health)
    blueprint.get("/api/system/stats/")(programs.system_stats)
    blueprint.get("/metrics")(programs.metrics_text)
    routes.register(blueprint)
    api.register(blueprint)
    if has_public:
        public.register(blueprint)
    # By their names: at the root of an application everything else under "/static/" is its own.
    files = ", ".join(f"'{path.name}'" for path in sorted(_STATIC.iterdir()))
    blueprint.get(f"/static/<any({files}):filename>")(static)
    if has_own_place:
        blueprint.before_request(_options)
        for rule in ("/", "/<path:address>"):
            blueprint.add_url_rule(rule, view_func=no_such_address, methods=_METHODS)
    for code in (404, 405):
        blueprint.register_error_handler(code, refuse)
    blueprint.register_error_handler(Exception, fail)
    return blueprint


def _guard() -> Response | None:
    """Let in whoever may; the addresses of the API and those for everybody see to that themselves."""
    endpoint = (request.endpoint or "").rpartition(".")[2]
    if endpoint in _OPEN or public.is_open(endpoint) or (endpoint.startswith(api.ENDPOINT) and request.method != "OPTIONS"):
        return None
    return _refuse_strangers(_ROLES.get(endpoint, Role.OPERATE))


def _refuse_strangers(role: Role) -> Response | None:
    asker = access.asker()
    if asker.may(role):
        return None
    if asker.wait_s:
        response = open_json({"ok": False, "error": fill("too many wrong tokens: wait {seconds} s", seconds=asker.wait_s)}, 429)
        response.headers["Retry-After"] = str(asker.wait_s)
        return response
    if _is_person():
        place = f"{_own_name()}.sign_in_page"
        return see_other(url_for(place, _method="GET", next=_way_back(), lang=language.asked()))
    response = open_json({"ok": False, "error": _JSON_ERROR[401]}, 401)
    response.headers["WWW-Authenticate"] = 'Basic realm="NeuroNova monitor", charset="UTF-8"'
    return response


def _is_person() -> bool:
    """Tell whether somebody sits before a browser that has no password to send."""
    return "Authorization" not in request.headers and "text/html" in request.accept_mimetypes.values()


def _own_name() -> str:
    """Return what the application calls this blueprint; where it owns the whole place, what is no address is in none."""
    return request.blueprint or next(
        name for name in current_app.blueprints if f"{name}.{signing_in.sign_in_page.__name__}" in current_app.view_functions
    )


def _way_back() -> str | None:
    """Return where the sign-in is to lead; what a form has sent is not sent again."""
    if request.method != "GET":
        return None
    query = request.query_string.decode("latin-1")
    return request.script_root + request.path + (f"?{query}" if query else "")


def _options() -> Response | None:
    """Say how an address can be used; Flask would count in what `no_such_address` takes."""
    if request.method != "OPTIONS" or not (methods := _methods()):
        return None
    response = Response()
    response.allow.update(methods)
    return response


def no_such_address(address: str = "") -> Response:  # noqa: ARG001 - Flask passes it
    """Refuse what is no address, or one that cannot be used in this way."""
    if methods := _methods():
        abort(405, valid_methods=methods)
    abort(404)


def refuse(error: HTTPException) -> Response:
    """Answer 404 and 405 in JSON; only administrators get to know which of them it is."""
    if api.is_asked():
        return api.refuse(error)
    refusal = _refuse_strangers(Role.OPERATE)
    if refusal is not None:
        return refusal
    code = error.code or 500
    response = open_json({"ok": False, "error": _JSON_ERROR[code]}, code)
    if isinstance(error, MethodNotAllowed):
        response.allow.update(error.valid_methods or ())
    return response


def fail(error: Exception) -> Response | HTTPException:
    """Answer 500 where one of our own pages has failed: Flask would log what the exception says."""
    if isinstance(error, RefusedError):
        return page.refused(error)
    if isinstance(error, HTTPException):
        return api.refuse(error) if api.is_asked() else error
    _log.error(fill("{endpoint} could not be answered", endpoint=configured(request.endpoint)), error)
    if api.is_asked():
        return api.failed()
    return open_json({"ok": False, "error": _JSON_ERROR[500]}, 500)


def _methods() -> list[str]:
    """Return how the address that is asked for can be used."""
    addresses = current_app.create_url_adapter(request)
    nothing = f"{request.blueprint}.{no_such_address.__name__}"

    def is_there(method: str) -> bool:
        try:
            return addresses is not None and addresses.match(method=method)[0] != nothing
        except HTTPException:
            return False

    return [method for method in _METHODS if is_there(method)]


def static(filename: str) -> Response:
    """Return a file that the pages need."""
    return send_from_directory(_STATIC, filename)


def secured(response: Response) -> Response:
    """Give every answer its header fields, that of Flask itself too; what never changes between two versions may be kept."""
    endpoint = (request.endpoint or "").rpartition(".")
    is_kept, is_shared = endpoint[1:] == (".", static.__name__), public.is_shared(endpoint[2])
    return secure(response, is_kept=is_kept, is_shared=is_shared)
