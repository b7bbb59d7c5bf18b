-- What was measured and how things were, hour by hour and day by day: what a year of plots is drawn from. Moments are those at
-- which the hour or the day (UTC) begins. The triggers keep up with every result, wherever it comes from.

CREATE TABLE summary (
    check_name TEXT NOT NULL,
    aspect TEXT NOT NULL,
    -- Of how many hours: 1 or 24.
    hours INTEGER NOT NULL,
    at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    least REAL NOT NULL,
    greatest REAL NOT NULL,
    total REAL NOT NULL,
    PRIMARY KEY (check_name, aspect, hours, at)
) WITHOUT ROWID;

INSERT INTO summary (check_name, aspect, hours, at, count, least, greatest, total)
    SELECT check_name, key, 1, at - at % 3600000, count(*), min(value), max(value), sum(value)
    FROM result, json_each(measured) WHERE json_each.type IN ('integer', 'real') GROUP BY 1, 2, 4;
INSERT INTO summary (check_name, aspect, hours, at, count, least, greatest, total)
    SELECT check_name, aspect, 24, at - at % 86400000, sum(count), min(least), max(greatest), sum(total)
    FROM summary GROUP BY 1, 2, 4;

CREATE TRIGGER sum_up AFTER INSERT ON result BEGIN
    INSERT INTO summary (check_name, aspect, hours, at, count, least, greatest, total)
        SELECT new.check_name, key, hours, new.at - new.at % (hours * 3600000), 1, value, value, value
        FROM json_each(new.measured), (SELECT 1 AS hours UNION ALL SELECT 24) WHERE type IN ('integer', 'real')
        ON CONFLICT (check_name, aspect, hours, at) DO UPDATE SET
            count = count + 1,
            least = min(least, excluded.least),
            greatest = max(greatest, excluded.greatest),
            total = total + excluded.total;
END;

-- A result says how things are until the next one, but for a quarter of an hour at most: what is missing from an hour, nobody
-- has watched.
CREATE TABLE watched_hour (
    check_name TEXT NOT NULL,
    at INTEGER NOT NULL,
    up_ms INTEGER NOT NULL,
    down_ms INTEGER NOT NULL,
    unknown_ms INTEGER NOT NULL,
    PRIMARY KEY (check_name, at)
) WITHOUT ROWID;

INSERT INTO watched_hour (check_name, at, up_ms, down_ms, unknown_ms)
    SELECT check_name, hour, total((status < 2) * part), total((status = 2) * part), total((status = 3) * part) FROM (
        SELECT check_name, status, began - began % 3600000 + shift AS hour,
            min(ended, began - began % 3600000 + shift + 3600000) - max(began, began - began % 3600000 + shift) AS part
        FROM (
            SELECT check_name, status, at AS began,
                min(lead(at) OVER (PARTITION BY check_name ORDER BY at), at + 900000) AS ended
            FROM result
        ), (SELECT 0 AS shift UNION ALL SELECT 3600000)
    ) WHERE part > 0 GROUP BY 1, 2;

CREATE TRIGGER watch_hour AFTER INSERT ON result BEGIN
    INSERT INTO watched_hour (check_name, at, up_ms, down_ms, unknown_ms)
        SELECT new.check_name, hour, (status < 2) * part, (status = 2) * part, (status = 3) * part FROM (
            SELECT status, began - began % 3600000 + shift AS hour,
                min(ended, began - began % 3600000 + shift + 3600000) - max(began, began - began % 3600000 + shift) AS part
            FROM (
                SELECT status, at AS began, min(new.at, at + 900000) AS ended FROM result
                WHERE check_name = new.check_name AND at < new.at ORDER BY at DESC LIMIT 1
            ), (SELECT 0 AS shift UNION ALL SELECT 3600000)
        ) WHERE part > 0
        ON CONFLICT (check_name, at) DO UPDATE SET
            up_ms = up_ms + excluded.up_ms,
            down_ms = down_ms + excluded.down_ms,
            unknown_ms = unknown_ms + excluded.unknown_ms;
END;
