"""Who is let in: by a token of the environment, by a named token, or by a session that was opened with one of them.

A token of ours has 256 random bits, so a plain digest of it tells nobody anything, and all comparisons take as long as they take
whatever is compared. The administrators' token that Nginx adds comes with the name of the visitor whose password Nginx has
asked for; nobody but the holder of that token can say who he is, and he may do everything anyway.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor_blueprint.domain.access import Role, Visitor
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.storage.access import SessionRecord, TokenRecord
from monitor_blueprint.storage.store import Store

# The tokens of the environment, as the record names them.
ADMIN, STATS = "admin", "stats"
SESSION_LASTS = timedelta(hours=12)
LONGEST_NAME = 40
MOST_TOKENS = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_PREFIX = "nnm_"
_ALWAYS = datetime.min.replace(tzinfo=UTC)
# A token that is used all the time need not be written down all the time.
_USE_IS_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """Who was let in, and by a session until when."""

    visitor: Visitor
    ends_at: datetime | None = None


class Gate:
    """Lets in whoever has a token of the environment or of the database; a token of the environment that is "" opens nothing."""

    def __init__(self, store: Store, admin_token: str, stats_token: str) -> None:
        self._store = store
        given = [(ADMIN, Role.OPERATE, admin_token), (STATS, Role.STATS, stats_token)]
        self._given = [TokenRecord(name, role, digest_of(token), _ALWAYS, "") for name, role, token in given if token]

    def by_token(self, token: str, claimed: str, now: datetime) -> Visitor | None:
        """Return whose token it is; with the administrators' one it is who is `claimed`, as only they can know it."""
        found = self._find(digest_of(token))
        if found is None:
            return None
        if found.name not in (ADMIN, STATS):
            self._note_use(found, now)
        name = clean(claimed, LONGEST_NAME) if found.name == ADMIN else ""
        return Visitor(name or found.name, found.role, found.name)

    def by_session(self, key: str, now: datetime) -> Entry | None:
        """Return whose session it is, as long as the token is good that it was opened with."""
        session = self._store.reads.access.session(digest_of(key), now)
        if session is None:
            return None
        token = self._find(session.token_digest)
        if token is None or token.name != session.token_name:
            return None
        return Entry(Visitor(session.by, token.role, token.name), session.ends_at)

    def sign_in(self, visitor: Visitor, token: str, now: datetime) -> tuple[str, Entry]:
        """Open a session for one who has come with a token; return its key, which is kept nowhere, and until when it lasts."""
        key = secrets.token_urlsafe(32)
        # As the database keeps it.
        ends_at = (now + SESSION_LASTS).replace(microsecond=0)
        session = SessionRecord(digest_of(key), visitor.token, digest_of(token), visitor.name, now, ends_at)
        self._store.run(lambda tx: tx.access.open_session(session), is_lasting=False)
        return key, Entry(visitor, ends_at)

    def sign_out(self, key: str) -> None:
        """End a session."""
        self._store.run(lambda tx: tx.access.close_session(digest_of(key)), is_lasting=False)

    def _find(self, digest: str) -> TokenRecord | None:
        """Return the token with this digest, having compared it with all of them."""
        found = None
        for each in (*self._given, *self._store.reads.access.tokens()):
            if hmac.compare_digest(each.digest, digest):
                found = each
        return found

    def _note_use(self, token: TokenRecord, now: datetime) -> None:
        if token.used_at is None or abs(now - token.used_at) >= _USE_IS_NOTED_EVERY:
            self._store.run(lambda tx: tx.access.note_use(token.name, now), is_lasting=False)


def new_token(name: str, role: Role, by: str, now: datetime) -> tuple[str, TokenRecord]:
    """Return a new token, which is shown once, and what is kept of it."""
    token = _PREFIX + secrets.token_urlsafe(32)
    return token, TokenRecord(name, role, digest_of(token), now, by)


def is_token_name(name: str) -> bool:
    """Tell whether a token can be called so: the names of the environment's tokens are taken."""
    return _NAME.fullmatch(name) is not None and name not in (ADMIN, STATS)


def digest_of(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
