-- Whom models were asked of, in counts.

-- `reference` is JSON: what is counted, and how many people of each kind there were in training; `people` were counted so far.
CREATE TABLE drift_models (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    reference TEXT NOT NULL,
    people INTEGER NOT NULL DEFAULT 0,
    UNIQUE (name, version, digest)
) STRICT;

-- The last people, some at a time; `counts` is a JSON list in the reference's order, `at` in milliseconds since 1970.
CREATE TABLE drift_blocks (
    model INTEGER NOT NULL REFERENCES drift_models (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    people INTEGER NOT NULL,
    counts TEXT NOT NULL,
    PRIMARY KEY (model, number)
) STRICT, WITHOUT ROWID;
