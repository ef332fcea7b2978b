-- What version 1 of the tables looks like, with a history in it: made by that version, never changed.
CREATE TABLE sequences (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    event INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    memory INTEGER NOT NULL,
    events INTEGER NOT NULL
  );
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    id NOT NULL,
    source INTEGER NOT NULL,
    type INTEGER NOT NULL,
    pipeline INTEGER,
    at INTEGER NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    body TEXT NOT NULL
  );
CREATE UNIQUE INDEX events_id ON events (id, source);
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    event INTEGER NOT NULL,
    hook INTEGER NOT NULL,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL,
    owner INTEGER,
    order_key TEXT,
    since INTEGER,
    reason TEXT,
    resume TEXT
  );
CREATE INDEX deliveries_due ON deliveries (hook, due) WHERE state <= 4;
CREATE INDEX deliveries_ordered ON deliveries (hook, order_key) WHERE order_key IS NOT NULL AND state <= 5;
CREATE INDEX deliveries_dead ON deliveries (state) WHERE state = 8;
CREATE TABLE attempts (
    delivery INTEGER NOT NULL,
    n INTEGER NOT NULL,
    number INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    duration_ms REAL NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT,
    message TEXT,
    answer TEXT,
    PRIMARY KEY (delivery, n)
  ) WITHOUT ROWID;
CREATE TABLE counters (
    hook INTEGER NOT NULL,
    state INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hook, state)
  ) WITHOUT ROWID;
CREATE TABLE memory (
    key TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    value TEXT NOT NULL,
    blocked_until INTEGER
  );
CREATE TABLE owners (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    host TEXT,
    pid INTEGER NOT NULL,
    started TEXT,
    until INTEGER NOT NULL
  );
INSERT INTO sequences VALUES (1, 8, 8, 1, 1, 8);
INSERT INTO names VALUES (1, '/v1');
INSERT INTO names VALUES (2, 'pipeline.end');
INSERT INTO names VALUES (3, 'orders');
INSERT INTO names VALUES (4, 'a');
INSERT INTO names VALUES (5, 'b');
INSERT INTO events VALUES (1, X'0190a5c07e3c7abc8def0123456789ab', 1, 2, 3, 1767225600000, 1, 2, '{"id":"0190a5c0-7e3c-7abc-8def-0123456789ab","source":"/v1","type":"pipeline.end"}');
INSERT INTO events VALUES (2, 'dead', 1, 2, NULL, 1767225600001, 3, 1, '{"id":"dead","source":"/v1","type":"pipeline.end"}');
INSERT INTO events VALUES (3, 'retrying', 1, 2, NULL, 1767225600002, 4, 1, '{"id":"retrying","source":"/v1","type":"pipeline.end"}');
INSERT INTO events VALUES (4, 'pending', 1, 2, NULL, 1767225600003, 5, 1, '{"id":"pending","source":"/v1","type":"pipeline.end"}');
INSERT INTO events VALUES (5, 'leased', 1, 2, NULL, 1767225600004, 6, 1, '{"id":"leased","source":"/v1","type":"pipeline.end"}');
INSERT INTO events VALUES (6, 'first', 1, 2, NULL, 1767225600005, 7, 1, '{"id":"first","source":"/v1","type":"pipeline.end"}');
INSERT INTO events VALUES (7, 'second', 1, 2, NULL, 1767225600006, 8, 1, '{"id":"second","source":"/v1","type":"pipeline.end"}');
INSERT INTO events VALUES (8, 'nobody', 1, 2, NULL, 1767225600007, 9, 0, '{"id":"nobody","source":"/v1","type":"pipeline.end"}');
INSERT INTO deliveries VALUES (1, 1, 4, 6, 1, 1767225600020, NULL, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (2, 1, 5, 1, 0, 1767225600000, NULL, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (3, 2, 4, 8, 1, 1767225600020, NULL, NULL, NULL, 'answered 400', NULL);
INSERT INTO deliveries VALUES (4, 3, 4, 2, 1, 1767225660000, NULL, NULL, NULL, 'answered 503', NULL);
INSERT INTO deliveries VALUES (5, 4, 4, 3, 0, 1767225660000, NULL, NULL, NULL, NULL, '{"run":7}');
INSERT INTO deliveries VALUES (6, 5, 4, 4, 1, 1767225630009, 1, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (7, 6, 5, 1, 0, 1767225600010, NULL, 'o', NULL, NULL, NULL);
INSERT INTO deliveries VALUES (8, 7, 5, 5, 0, 1767225600010, NULL, 'o', NULL, NULL, NULL);
INSERT INTO attempts VALUES (1, 1, 1, 1767225600008, 2.5, 'delivered', NULL, NULL, '{"status":200}');
INSERT INTO attempts VALUES (3, 1, 1, 1767225600008, 2.5, 'dead', 'HTTP_STATUS', 'answered 400', '{"status":200}');
INSERT INTO attempts VALUES (4, 1, 1, 1767225600008, 2.5, 'retry', NULL, NULL, '{"status":200}');
INSERT INTO attempts VALUES (5, 1, 1, 1767225600008, 2.5, 'pending', NULL, NULL, '{"status":200}');
INSERT INTO counters VALUES (4, 1, 0);
INSERT INTO counters VALUES (4, 2, 1);
INSERT INTO counters VALUES (4, 3, 1);
INSERT INTO counters VALUES (4, 4, 1);
INSERT INTO counters VALUES (4, 6, 1);
INSERT INTO counters VALUES (4, 8, 1);
INSERT INTO counters VALUES (5, 1, 2);
INSERT INTO counters VALUES (5, 5, 1);
INSERT INTO memory VALUES ('breaker:a', 1, '{"failures":2}', 1767225600050);
INSERT INTO owners VALUES (1, 'gone', NULL, 1, NULL, 1767225630009);
PRAGMA application_id = 1346923379;
PRAGMA user_version = 1;
