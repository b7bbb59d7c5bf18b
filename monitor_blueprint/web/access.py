"""Who asks, by what the request carries: a token (as bearer token or as a password) or the cookie of a session.

A request that changes something must not be another site's doing, with the password or the cookie that a browser adds by
itself: see `refuse_other_sites`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Response, g, request, url_for

from monitor_blueprint.console.gate import Entry
from monitor_blueprint.console.throttle import MOST_FAILURES
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.access import Role, Visitor
from monitor_blueprint.domain.story import StoryEntry, StoryKind
from monitor_blueprint.domain.text import configured, fill
from monitor_blueprint.log import Log
from monitor_blueprint.web.answers import RefusedError
from monitor_blueprint.web.mounted import monitor
from monitor_blueprint.web.route import Cookie

_log = Log(__name__)
COOKIE = "neuronova_session"
# Whom Nginx has let in, by the name that belongs to the password.
REMOTE_USER = "X-Remote-User"
_READING = ("GET", "HEAD", "OPTIONS")
_OWN_SITE = ("same-origin", "none")
_NOBODY = Visitor("", Role.STATS)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: nobody whom we know (`entry` None); `wait_s`, where wrong tokens have been tried for too long."""

    entry: Entry | None
    wait_s: int = 0

    @property
    def visitor(self) -> Visitor | None:
        """Return who asks, if we know."""
        return self.entry.visitor if self.entry is not None else None

    def may(self, role: Role) -> bool:
        """Tell whether what the role opens is open."""
        return self.entry is not None and self.entry.visitor.role >= role


def asker() -> Asker:
    """Return who asks, found out once for each request."""
    known: Asker | None = g.get("neuronova_asker")
    if known is None:
        known = _find()
        g.neuronova_asker = known
    return known


def view(visitor: Visitor | None = None) -> View:
    """Return what documents are made of, for whoever asks or for another visitor."""
    own = monitor()
    seen_by = visitor or asker().visitor or _NOBODY
    return View(own.config, own.store, own.self_check, seen_by, datetime.now(UTC), next_check_at=own.schedule.next_run_at())


def proof() -> str:
    """Return the secret that the request carries: a token, or the key of a session; "" for neither."""
    return _token() or request.cookies.get(COOKIE, "")


def keep(response: Response, cookie: Cookie) -> None:
    """Let the browser keep the key of a session, or forget it."""
    response.set_cookie(
        COOKIE,
        cookie.key,
        max_age=cookie.lasts_s,
        path=url_for(".page"),
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )


def check_token(token: str, claimed: str) -> Visitor:
    """Return whose token it is.

    Raises:
        RefusedError: it is nobody's; or wrong ones have been tried for too long.
    """
    now = datetime.now(UTC)
    visitor = monitor().gate.by_token(token, claimed, now) if token else None
    if visitor is None:
        wait_s = _count_failure(now)
        raise too_many(wait_s) if wait_s else RefusedError(401, "unauthorized", "the token is not known")
    return visitor


def require(role: Role) -> Visitor:
    """Return who asks.

    Raises:
        RefusedError: it is nobody whom we know, or one who may not do this.
    """
    found = asker()
    if found.wait_s:
        raise too_many(found.wait_s)
    if found.visitor is None:
        raise RefusedError(401, "unauthorized", "a token is needed: Authorization: Bearer ...")
    if not found.may(role):
        raise RefusedError(403, "forbidden", f"the role of this token is {found.visitor.role.word}; {role.word} is needed")
    return found.visitor


def too_many(wait_s: int) -> RefusedError:
    """Return that too many wrong tokens were tried."""
    return RefusedError(429, "too_many_wrong_tokens", f"too many wrong tokens: wait {wait_s} s", retry_after_s=wait_s)


def refuse_other_sites() -> None:
    """Refuse what another site may have made a browser do.

    A change must be sent as JSON, or be a DELETE: no form can do that, and a script of another site must ask before, which is
    answered with no leave. Where the browser says who is behind a request, that counts besides.

    Raises:
        RefusedError: it comes from another site, or in a form that anybody could send.
    """
    if request.method in _READING:
        return
    refuse_foreign()
    if request.method != "DELETE" and request.mimetype != "application/json":
        raise RefusedError(
            415, "unsupported_media_type", 'changes are sent as JSON: Content-Type: application/json, at least "{}"'
        )


def refuse_foreign() -> None:
    """Refuse a request of which the browser says that another site is behind it.

    Raises:
        RefusedError: it is so.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    # Nginx tells the name of the site without its port.
    if site not in _OWN_SITE if site is not None else origin is not None and not _is_own(origin):
        raise RefusedError(403, "cross_site", "another site has sent this: it is done from the monitor's own address only")


def _is_own(origin: str) -> bool:
    try:
        return urlsplit(origin).hostname == urlsplit(f"//{request.host}").hostname
    except ValueError:
        return False


def _find() -> Asker:
    now, given, token = datetime.now(UTC), request.authorization, _token()
    if not token:
        key = request.cookies.get(COOKIE, "")
        return Asker(monitor().gate.by_session(key, now) if key else None)
    claimed = _remote_user() or (given.username if given is not None else "") or ""
    visitor = monitor().gate.by_token(token, claimed, now)
    return Asker(Entry(visitor)) if visitor is not None else Asker(None, _count_failure(now))


def _token() -> str:
    given = request.authorization
    return (given.token or given.password or "") if given is not None else ""


def _remote_user() -> str:
    """Return the name in its own characters: WSGI has one for each byte."""
    return request.headers.get(REMOTE_USER, "").encode("latin-1", "replace").decode("utf-8", "replace")


def _count_failure(now: datetime) -> int:
    address = configured(request.remote_addr or "-")
    wait_s, is_news = monitor().throttle.add(address, time.monotonic())
    if not wait_s:
        _log.warning(fill("a wrong token from {address}", address=address))
    if is_news:
        count = MOST_FAILURES
        _log.warning(fill("{count} wrong tokens from {address}: turned away for a while", count=count, address=address))
        entry = StoryEntry(now, StoryKind.TURNED_AWAY, {"address": str(address), "count": str(count)})
        monitor().store.run(lambda tx: tx.story.add(entry), is_lasting=False)
    return wait_s
