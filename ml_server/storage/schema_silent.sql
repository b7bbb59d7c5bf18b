-- Silent trials: counts, and no row of anybody. Moments are seconds since 1970 (UTC).
CREATE TABLE silent_trials (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    started REAL NOT NULL,
    ended REAL,
    starts INTEGER NOT NULL DEFAULT 0,
    problem TEXT NOT NULL DEFAULT ''
) STRICT;

-- `active` is version and digest of what was served; `kind` says what was counted, `key` which of its kinds.
CREATE TABLE silent_counts (
    trial TEXT NOT NULL REFERENCES silent_trials (id) ON DELETE CASCADE,
    active TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (trial, active, kind, key)
) STRICT, WITHOUT ROWID;

-- What has come of the rows of each worker's ledger; one that is closed is in `silent_counts`.
CREATE TABLE silent_ledgers (
    trial TEXT NOT NULL REFERENCES silent_trials (id) ON DELETE CASCADE,
    token TEXT NOT NULL,
    accounted INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0,
    is_closed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (trial, token)
) STRICT, WITHOUT ROWID;
