-- What models have answered, and what turned out to be true. No input, no name, and no id of a client's but that of the request.

-- `card` is what the figures are held against: names of the answers, scores, how many of each class, intervals.
CREATE TABLE feedback_models (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    task TEXT NOT NULL,
    card TEXT NOT NULL,
    judged INTEGER NOT NULL DEFAULT 0,
    corrected INTEGER NOT NULL DEFAULT 0,
    UNIQUE (name, version, digest)
) STRICT;

-- How many answers of a day (UTC, days since 1970) there were, whether or not they are still kept.
CREATE TABLE feedback_days (
    model INTEGER NOT NULL REFERENCES feedback_models (id),
    day INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    PRIMARY KEY (model, day)
) STRICT, WITHOUT ROWID;

-- `at` in milliseconds since 1970; `pattern` is which of the card's patterns of missing inputs it was; `item` and `site` are keyed fingerprints of a client's own ids; `numbers`, `said` and
-- `truth` are JSON: the answer's numbers in the card's order, the places of what was predicted, and what was true.
CREATE TABLE feedback_answers (
    id INTEGER PRIMARY KEY,
    model INTEGER NOT NULL REFERENCES feedback_models (id),
    at INTEGER NOT NULL,
    request TEXT NOT NULL,
    place INTEGER NOT NULL,
    pattern INTEGER,
    item INTEGER,
    site INTEGER,
    numbers TEXT NOT NULL,
    said TEXT,
    truth TEXT,
    truth_at INTEGER
) STRICT;
-- Ids that the server makes begin with the time: what comes later stands later here, and few pages are written.
CREATE INDEX feedback_request ON feedback_answers (request);
CREATE INDEX feedback_site ON feedback_answers (site) WHERE site IS NOT NULL;
CREATE INDEX feedback_judged ON feedback_answers (model, at) WHERE truth IS NOT NULL;

-- A truth that another one has taken the place of.
CREATE TABLE feedback_corrections (
    id INTEGER PRIMARY KEY,
    answer INTEGER NOT NULL REFERENCES feedback_answers (id) ON DELETE CASCADE,
    truth TEXT NOT NULL,
    truth_at INTEGER NOT NULL
) STRICT;
CREATE INDEX feedback_correction ON feedback_corrections (answer);

-- What fingerprints are made with: without it nobody can try out which id is behind one.
CREATE TABLE feedback_key (
    key BLOB NOT NULL
) STRICT;
INSERT INTO feedback_key SELECT randomblob(32);
