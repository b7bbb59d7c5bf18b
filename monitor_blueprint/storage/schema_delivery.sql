-- Version 3: the events are a log that is only appended to, and every receiver has a cursor in it. A receiver is a channel,
-- or one of its recipients. What is behind the cursor of an outbox of version 1 (that was pending or refused) stays so.

CREATE TABLE log (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    incident INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    -- As it was told when it happened; '' where version 1 had no channel to tell it over.
    message TEXT NOT NULL DEFAULT ''
);
INSERT INTO log (id, incident, at, body, message)
    SELECT id, incident, at, body, coalesce((SELECT message FROM outbox WHERE event_id = event.id LIMIT 1), '')
    FROM event ORDER BY rowid;

CREATE TABLE receiver (
    channel TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The number of the last event that is settled.
    cursor INTEGER NOT NULL,
    -- Up to which event an attempt is under way; has been tried; may have arrived.
    out_to INTEGER NOT NULL DEFAULT 0,
    tried_to INTEGER NOT NULL DEFAULT 0,
    sent_to INTEGER NOT NULL DEFAULT 0,
    -- How often in a row the same went out without being acknowledged, and after which event that began.
    doubts INTEGER NOT NULL DEFAULT 0,
    doubtful_after INTEGER,
    in_doubt_since INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL DEFAULT 0,
    -- Until when the other side asked to be left alone.
    asked_until INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER,
    last_error TEXT NOT NULL DEFAULT '',
    refusal TEXT NOT NULL DEFAULT '',
    remark TEXT NOT NULL DEFAULT '',
    delivered_at INTEGER,
    PRIMARY KEY (channel, name)
) WITHOUT ROWID;
INSERT INTO receiver (channel, name, cursor, attempts, failing_since, last_error, refusal, delivered_at)
    SELECT known.channel, '', coalesce(
            (SELECT min(log.number) - 1 FROM log JOIN outbox ON outbox.event_id = log.id
             WHERE outbox.channel = known.channel AND outbox.state != 'delivered'),
            (SELECT max(number) FROM log), 0),
        coalesce(attempts, 0), failing_since, coalesce(last_error, ''), coalesce(refusal, ''), delivered_at
    FROM (SELECT name AS channel FROM channel UNION SELECT channel FROM outbox WHERE state = 'pending') AS known
    LEFT JOIN channel ON channel.name = known.channel;

-- The messages that are settled: which events they told, and how that ended.
CREATE TABLE delivery (
    channel TEXT NOT NULL,
    receiver TEXT NOT NULL,
    last INTEGER NOT NULL,
    first INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('delivered', 'in_doubt', 'refused', 'expired')),
    at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    sent_as TEXT NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (channel, receiver, last)
) WITHOUT ROWID;
INSERT INTO delivery (channel, receiver, last, first, state, at, attempts, sent_as, answer)
    SELECT outbox.channel, '', log.number, log.number, state, coalesce(settled_at, outbox.at), attempts, sent_as, answer
    FROM outbox JOIN log ON log.id = outbox.event_id
    WHERE state = 'delivered' OR (state = 'refused' AND channel NOT IN (SELECT channel FROM receiver));

DROP TABLE outbox;
DROP TABLE event;
ALTER TABLE log RENAME TO event;
CREATE INDEX event_of_incident ON event (incident);

-- Who is sending over a channel.
CREATE TABLE sending (
    name TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL DEFAULT '',
    sender TEXT NOT NULL DEFAULT '',
    leased_until INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
INSERT INTO sending (name, fingerprint, sender, leased_until) SELECT name, fingerprint, sender, leased_until FROM channel;
DROP TABLE channel;
ALTER TABLE sending RENAME TO channel;
