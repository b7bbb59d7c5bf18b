-- What people did and what befell the monitor, and what was said of each event and measured at it.

CREATE TABLE IF NOT EXISTS story (
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (at, kind, facts)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS told (
    event_id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    text TEXT NOT NULL,
    measured TEXT NOT NULL
) WITHOUT ROWID;

-- Requests for one message over each channel, by the moment at which somebody asked.
CREATE TABLE IF NOT EXISTS trial (
    asked_at INTEGER PRIMARY KEY,
    taken_at INTEGER,
    answer TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
