-- What each minute of the studio was like; `at` is its begin. Minutes in which it did not run are missing.
CREATE TABLE minutes (
    at          INTEGER PRIMARY KEY,
    submitted   INTEGER NOT NULL,
    done        INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    cancelled   INTEGER NOT NULL,
    queued      INTEGER NOT NULL,
    running     INTEGER NOT NULL,
    online      INTEGER NOT NULL,
    wait_p50_ms INTEGER NOT NULL,
    wait_p95_ms INTEGER NOT NULL
) STRICT;
