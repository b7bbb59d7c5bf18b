-- Version 1. Moments are milliseconds since 1970 (UTC). Every key is a natural one, so that rows which were written
-- in memory while the file could not be used are merged into it without being renumbered.

CREATE TABLE IF NOT EXISTS state (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    saved_at INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS silence (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    check_name TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    why TEXT NOT NULL
);

-- The newest result of every check, whole, and what its probe wants to remember.
CREATE TABLE IF NOT EXISTS latest (
    check_name TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    status INTEGER NOT NULL,
    result TEXT NOT NULL,
    memory TEXT NOT NULL,
    kept_at INTEGER NOT NULL,
    kept_whole_at INTEGER NOT NULL
) WITHOUT ROWID;

-- The past: status and measured values; all readings only where the status changed, and once an hour.
CREATE TABLE IF NOT EXISTS result (
    check_name TEXT NOT NULL,
    at INTEGER NOT NULL,
    status INTEGER NOT NULL,
    measured TEXT,
    readings TEXT,
    PRIMARY KEY (check_name, at)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS cycle (
    started_at INTEGER PRIMARY KEY,
    duration_ms REAL NOT NULL,
    overall INTEGER NOT NULL,
    reason TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS incident (
    number INTEGER PRIMARY KEY,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    body TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS event (
    id TEXT PRIMARY KEY,
    incident INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS event_of_incident ON event (incident);

CREATE TABLE IF NOT EXISTS evidence (
    incident INTEGER NOT NULL,
    at INTEGER NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (incident, at, title)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL REFERENCES event (id),
    channel TEXT NOT NULL,
    message TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'refused')),
    attempts INTEGER NOT NULL DEFAULT 0,
    settled_at INTEGER,
    sent_as TEXT NOT NULL DEFAULT '',
    answer TEXT NOT NULL DEFAULT '',
    UNIQUE (event_id, channel)
);
CREATE INDEX IF NOT EXISTS outbox_pending ON outbox (channel, number) WHERE state = 'pending';

-- Who is sending over a channel, and how it has fared.
CREATE TABLE IF NOT EXISTS channel (
    name TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL DEFAULT '',
    sender TEXT NOT NULL DEFAULT '',
    leased_until INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER,
    last_error TEXT NOT NULL DEFAULT '',
    refusal TEXT NOT NULL DEFAULT '',
    refused_at INTEGER,
    delivered_at INTEGER
) WITHOUT ROWID;
