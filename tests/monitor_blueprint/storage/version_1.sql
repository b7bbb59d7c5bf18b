BEGIN TRANSACTION;
CREATE TABLE channel (
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
INSERT INTO "channel" VALUES('email','email-print','',0,0,0,NULL,'554 no','',NULL,1772366520000);
INSERT INTO "channel" VALUES('slack','slack-print','',0,1,1772366521000,1772366520000,'HTTP 500','',NULL,1772366460000);
CREATE TABLE cycle (
    started_at INTEGER PRIMARY KEY,
    duration_ms REAL NOT NULL,
    overall INTEGER NOT NULL,
    reason TEXT NOT NULL
);
CREATE TABLE event (
    id TEXT PRIMARY KEY,
    incident INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL
);
INSERT INTO "event" VALUES('nn-1-opened',1,1772366400000,'{"kind":"opened","at":"2026-03-01T12:00:00Z","incident":1,"opened_at":"2026-03-01T12:00:00Z","checks":["Flask"],"failing":["Flask"],"consequences":{},"blind":[],"since":{"Flask":"2026-03-01T12:00:00Z"},"lasted_s":{}}');
INSERT INTO "event" VALUES('nn-1-recovered',1,1772366460000,'{"kind":"recovered","at":"2026-03-01T12:01:00Z","incident":1,"opened_at":"2026-03-01T12:00:00Z","checks":["Flask"],"failing":[],"consequences":{},"blind":[],"since":{"Flask":"2026-03-01T12:00:00Z"},"lasted_s":{"Flask":60.0}}');
INSERT INTO "event" VALUES('nn-2-opened',2,1772366520000,'{"kind":"opened","at":"2026-03-01T12:02:00Z","incident":2,"opened_at":"2026-03-01T12:02:00Z","checks":["Flask"],"failing":["Flask"],"consequences":{},"blind":[],"since":{"Flask":"2026-03-01T12:02:00Z"},"lasted_s":{}}');
CREATE TABLE evidence (
    incident INTEGER NOT NULL,
    at INTEGER NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (incident, at, title)
) WITHOUT ROWID;
CREATE TABLE incident (
    number INTEGER PRIMARY KEY,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    body TEXT NOT NULL
);
INSERT INTO "incident" VALUES(1,1772366400000,1772366460000,'{"number":1,"opened_at":"2026-03-01T12:00:00Z","last_told_at":"2026-03-01T12:00:00Z","acked_by":""}');
INSERT INTO "incident" VALUES(2,1772366520000,NULL,'{"number":2,"opened_at":"2026-03-01T12:02:00Z","last_told_at":"2026-03-01T12:02:00Z","acked_by":""}');
CREATE TABLE latest (
    check_name TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    status INTEGER NOT NULL,
    result TEXT NOT NULL,
    memory TEXT NOT NULL,
    kept_at INTEGER NOT NULL,
    kept_whole_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE outbox (
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
INSERT INTO "outbox" VALUES(1,'nn-1-opened','slack','{"id":"nn-1-opened","subject":"[CRITICAL] NeuroNova 서비스 장애 발생! Flask","body":"[CRITICAL] NeuroNova 서비스 장애 발생!\n실패한 서비스: Flask\n시각: 2026-03-01 12:00:00\n- Flask: 결과 없음 · 2026-03-01 12:00:00부터\n\n장애 번호: 1","at":"2026-03-01T12:00:00Z","incident":1,"kind":"opened"}',1772366400000,'delivered',1,1772366460000,'nn-1-opened','HTTP 200 ok');
INSERT INTO "outbox" VALUES(2,'nn-1-opened','email','{"id":"nn-1-opened","subject":"[CRITICAL] NeuroNova 서비스 장애 발생! Flask","body":"[CRITICAL] NeuroNova 서비스 장애 발생!\n실패한 서비스: Flask\n시각: 2026-03-01 12:00:00\n- Flask: 결과 없음 · 2026-03-01 12:00:00부터\n\n장애 번호: 1","at":"2026-03-01T12:00:00Z","incident":1,"kind":"opened"}',1772366400000,'delivered',1,1772366400000,'nn-1-opened','accepted');
INSERT INTO "outbox" VALUES(3,'nn-1-opened','gone','{"id":"nn-1-opened","subject":"[CRITICAL] NeuroNova 서비스 장애 발생! Flask","body":"[CRITICAL] NeuroNova 서비스 장애 발생!\n실패한 서비스: Flask\n시각: 2026-03-01 12:00:00\n- Flask: 결과 없음 · 2026-03-01 12:00:00부터\n\n장애 번호: 1","at":"2026-03-01T12:00:00Z","incident":1,"kind":"opened"}',1772366400000,'delivered',1,1772366400000,'nn-1-opened','ok');
INSERT INTO "outbox" VALUES(4,'nn-1-recovered','slack','{"id":"nn-1-recovered","subject":"[OK] NeuroNova 서비스 복구 Flask","body":"[OK] NeuroNova 서비스 복구\n복구된 서비스: Flask\n시각: 2026-03-01 12:01:00\n- Flask: 더 이상 점검하지 않음\n\n장애 번호: 1","at":"2026-03-01T12:01:00Z","incident":1,"kind":"recovered"}',1772366460000,'delivered',1,1772366460000,'nn-1-recovered','HTTP 200 ok');
INSERT INTO "outbox" VALUES(5,'nn-1-recovered','email','{"id":"nn-1-recovered","subject":"[OK] NeuroNova 서비스 복구 Flask","body":"[OK] NeuroNova 서비스 복구\n복구된 서비스: Flask\n시각: 2026-03-01 12:01:00\n- Flask: 더 이상 점검하지 않음\n\n장애 번호: 1","at":"2026-03-01T12:01:00Z","incident":1,"kind":"recovered"}',1772366460000,'refused',1,1772366460000,'nn-1-recovered','554 no');
INSERT INTO "outbox" VALUES(6,'nn-1-recovered','gone','{"id":"nn-1-recovered","subject":"[OK] NeuroNova 서비스 복구 Flask","body":"[OK] NeuroNova 서비스 복구\n복구된 서비스: Flask\n시각: 2026-03-01 12:01:00\n- Flask: 더 이상 점검하지 않음\n\n장애 번호: 1","at":"2026-03-01T12:01:00Z","incident":1,"kind":"recovered"}',1772366460000,'refused',0,1772366580000,'','the channel is not configured any more');
INSERT INTO "outbox" VALUES(7,'nn-2-opened','slack','{"id":"nn-2-opened","subject":"[CRITICAL] NeuroNova 서비스 장애 발생! Flask","body":"[CRITICAL] NeuroNova 서비스 장애 발생!\n실패한 서비스: Flask\n시각: 2026-03-01 12:02:00\n- Flask: 결과 없음 · 2026-03-01 12:02:00부터\n\n장애 번호: 2","at":"2026-03-01T12:02:00Z","incident":2,"kind":"opened"}',1772366520000,'pending',1,NULL,'nn-2-opened','HTTP 500');
INSERT INTO "outbox" VALUES(8,'nn-2-opened','email','{"id":"nn-2-opened","subject":"[CRITICAL] NeuroNova 서비스 장애 발생! Flask","body":"[CRITICAL] NeuroNova 서비스 장애 발생!\n실패한 서비스: Flask\n시각: 2026-03-01 12:02:00\n- Flask: 결과 없음 · 2026-03-01 12:02:00부터\n\n장애 번호: 2","at":"2026-03-01T12:02:00Z","incident":2,"kind":"opened"}',1772366520000,'delivered',1,1772366520000,'nn-2-opened','accepted');
INSERT INTO "outbox" VALUES(9,'nn-2-opened','gone','{"id":"nn-2-opened","subject":"[CRITICAL] NeuroNova 서비스 장애 발생! Flask","body":"[CRITICAL] NeuroNova 서비스 장애 발생!\n실패한 서비스: Flask\n시각: 2026-03-01 12:02:00\n- Flask: 결과 없음 · 2026-03-01 12:02:00부터\n\n장애 번호: 2","at":"2026-03-01T12:02:00Z","incident":2,"kind":"opened"}',1772366520000,'refused',0,1772366580000,'','the channel is not configured any more');
CREATE TABLE result (
    check_name TEXT NOT NULL,
    at INTEGER NOT NULL,
    status INTEGER NOT NULL,
    measured TEXT,
    readings TEXT,
    PRIMARY KEY (check_name, at)
) WITHOUT ROWID;
CREATE TABLE silence (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    check_name TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    why TEXT NOT NULL
);
CREATE TABLE state (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    saved_at INTEGER NOT NULL
);
INSERT INTO "state" VALUES(1,1,'{"checks":{},"incident":{"number":2,"opened_at":"2026-03-01T12:02:00Z","last_told_at":"2026-03-01T12:02:00Z","acked_by":""},"last_incident_number":2}',1772366520000);
CREATE INDEX event_of_incident ON event (incident);
CREATE INDEX outbox_pending ON outbox (channel, number) WHERE state = 'pending';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('outbox',9);
COMMIT;
PRAGMA user_version = 1;
