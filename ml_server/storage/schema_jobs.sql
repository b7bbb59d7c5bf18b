-- Long jobs: what was sent, until it is answered; the answer, until it expires. Moments are seconds since 1970 (UTC).
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'expired')),
    request_id TEXT NOT NULL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    content_type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    rows_done INTEGER NOT NULL DEFAULT 0,
    piece_rows INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    started REAL,
    finished REAL,
    expires REAL NOT NULL,
    status INTEGER
) STRICT;
CREATE INDEX jobs_state ON jobs (state, created);

-- In tables of their own: a change of a job's row shall not write megabytes anew.
CREATE TABLE job_bodies (
    job TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE job_results (
    job TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    result BLOB NOT NULL
) STRICT;

-- The answers to the items that are done, as JSON without the brackets around them.
CREATE TABLE job_pieces (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY (job, number)
) STRICT;

-- What came of all jobs so far.
CREATE TABLE job_counts (
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    state TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    PRIMARY KEY (model, version, state)
) STRICT, WITHOUT ROWID;
