"""Named tokens, and the sessions that were opened with one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor_blueprint.domain.access import Role
from monitor_blueprint.storage.timestamps import from_ms, to_ms


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A named token; `digest` is all that is known of itself."""

    name: str
    role: Role
    digest: str
    made_at: datetime
    made_by: str
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session of somebody who has signed in: whose, and by which token; `digest` is that of its key."""

    digest: str
    token_name: str
    token_digest: str
    by: str
    began_at: datetime
    ends_at: datetime


class AccessWrites:
    """Statements about `token` and `session`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add_token(self, token: TokenRecord) -> bool:
        """Add a token; False where the name is taken."""
        cursor = self._connection.execute(
            "INSERT OR IGNORE INTO token (name, role, digest, made_at, made_by) VALUES (?, ?, ?, ?, ?)",
            (token.name, token.role, token.digest, to_ms(token.made_at), token.made_by),
        )
        return cursor.rowcount > 0

    def revoke_token(self, name: str) -> bool:
        """Forget a token; False where there is none of that name."""
        return self._connection.execute("DELETE FROM token WHERE name = ?", (name,)).rowcount > 0

    def note_use(self, name: str, now: datetime) -> None:
        """Note when a token was used last."""
        self._connection.execute("UPDATE token SET used_at = ? WHERE name = ?", (to_ms(now), name))

    def open_session(self, session: SessionRecord) -> None:
        """Add a session, and forget those that are over."""
        self._connection.execute("DELETE FROM session WHERE ends_at < ?", (to_ms(session.began_at),))
        self._connection.execute(
            "INSERT INTO session (digest, token_name, token_digest, by_name, began_at, ends_at) VALUES (?, ?, ?, ?, ?, ?)",
            (
                session.digest,
                session.token_name,
                session.token_digest,
                session.by,
                to_ms(session.began_at),
                to_ms(session.ends_at),
            ),
        )

    def close_session(self, digest: str) -> None:
        """Forget a session."""
        self._connection.execute("DELETE FROM session WHERE digest = ?", (digest,))


class AccessReads:
    """Questions about `token` and `session`."""

    def __init__(self, query: Callable[[str, tuple[object, ...]], list[tuple[Any, ...]]]) -> None:
        self._query = query

    def tokens(self) -> tuple[TokenRecord, ...]:
        """Return the tokens, by name."""
        rows = self._query("SELECT name, role, digest, made_at, made_by, used_at FROM token ORDER BY name", ())
        return tuple(
            TokenRecord(name, Role(role), digest, from_ms(made_at), made_by, None if used_at is None else from_ms(used_at))
            for name, role, digest, made_at, made_by, used_at in rows
        )

    def session(self, digest: str, now: datetime) -> SessionRecord | None:
        """Return a session that is not over."""
        rows = self._query(
            "SELECT digest, token_name, token_digest, by_name, began_at, ends_at FROM session WHERE digest = ? AND ends_at > ?",
            (digest, to_ms(now)),
        )
        for kept, token_name, token_digest, by, began_at, ends_at in rows:
            return SessionRecord(kept, token_name, token_digest, by, from_ms(began_at), from_ms(ends_at))
        return None
