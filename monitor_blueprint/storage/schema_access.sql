-- Who is let in besides whoever has the tokens of the environment. Of a token and of a session's key only a digest is kept.

CREATE TABLE IF NOT EXISTS token (
    name TEXT PRIMARY KEY,
    role INTEGER NOT NULL,
    digest TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    used_at INTEGER
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS session (
    digest TEXT PRIMARY KEY,
    -- What it was opened with: it ends with that.
    token_name TEXT NOT NULL,
    token_digest TEXT NOT NULL,
    by_name TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) WITHOUT ROWID;
