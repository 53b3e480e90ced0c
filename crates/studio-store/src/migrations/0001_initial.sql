-- Times are milliseconds since the Unix epoch. `seq` is the order of arrival and the cursor of lists.
-- Words (states, kinds, outcomes, roles) are those of the API.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE projects (
    id         TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE models (
    id         TEXT PRIMARY KEY,
    kind       TEXT    NOT NULL,
    engine     TEXT    NOT NULL,
    vram_gb    REAL    NOT NULL,
    enabled    INTEGER NOT NULL,
    source     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The counts follow the states of the jobs by the trigger below; they make a progress bar one row to read.
CREATE TABLE batches (
    seq         INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    name        TEXT,
    project     TEXT    NOT NULL REFERENCES projects (id),
    created_at  INTEGER NOT NULL,
    finished_at INTEGER,
    total       INTEGER NOT NULL,
    queued      INTEGER NOT NULL,
    offered     INTEGER NOT NULL DEFAULT 0,
    running     INTEGER NOT NULL DEFAULT 0,
    done        INTEGER NOT NULL DEFAULT 0,
    failed      INTEGER NOT NULL DEFAULT 0,
    cancelled   INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX batches_by_project ON batches (project);

-- The hot row: everything that is long or never changes lives in a table of its own.
-- `model` is no foreign key: a model may be removed when no job of it is open.
CREATE TABLE jobs (
    seq          INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    state        TEXT    NOT NULL
        CHECK (state IN ('queued', 'offered', 'running', 'done', 'failed', 'cancelled', 'quarantined')),
    kind         TEXT    NOT NULL,
    model        TEXT    NOT NULL,
    project      TEXT    NOT NULL,
    asset_name   TEXT    NOT NULL,
    batch        INTEGER REFERENCES batches (seq),
    priority     INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    -- The number of the last attempt, and the one after which failures and losses count (moved by a retry).
    attempt      INTEGER NOT NULL DEFAULT 0,
    counted_from INTEGER NOT NULL DEFAULT 0,
    failures     INTEGER NOT NULL DEFAULT 0,
    losses       INTEGER NOT NULL DEFAULT 0,
    -- Who holds it, or had it when it ended.
    worker       TEXT,
    created_at   INTEGER NOT NULL,
    claimed_at   INTEGER,
    started_at   INTEGER,
    finished_at  INTEGER,
    error        TEXT,
    CHECK ((state IN ('offered', 'running')) <= (worker IS NOT NULL))
) STRICT;
-- Every index ends with the row's seq, so that each of them yields a list in order.
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_kind ON jobs (kind);
CREATE INDEX jobs_by_model ON jobs (model);
CREATE INDEX jobs_by_project ON jobs (project);
CREATE INDEX jobs_by_batch ON jobs (batch) WHERE batch IS NOT NULL;
CREATE INDEX jobs_by_worker ON jobs (worker) WHERE worker IS NOT NULL;

CREATE TABLE job_tasks (
    job  INTEGER PRIMARY KEY REFERENCES jobs (seq),
    task TEXT NOT NULL
) STRICT;

CREATE TABLE results (
    job    INTEGER PRIMARY KEY REFERENCES jobs (seq),
    json   TEXT NOT NULL,
    prompt TEXT
) STRICT;

-- Attempts that ended otherwise than well; the current one, and the one that made the result, are in `jobs`.
CREATE TABLE attempts (
    job        INTEGER NOT NULL REFERENCES jobs (seq),
    number     INTEGER NOT NULL,
    worker     TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    outcome    TEXT    NOT NULL,
    error      TEXT,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE artefacts (
    seq        INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    job        INTEGER NOT NULL UNIQUE REFERENCES jobs (seq),
    batch      INTEGER REFERENCES batches (seq),
    -- Not unique: a store that names bytes by their hash keeps equal ones once.
    key        TEXT    NOT NULL,
    sha256     TEXT    NOT NULL,
    bytes      INTEGER NOT NULL,
    ext        TEXT    NOT NULL,
    mime       TEXT    NOT NULL,
    meta       TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX artefacts_by_batch ON artefacts (batch) WHERE batch IS NOT NULL;
CREATE INDEX artefacts_by_key ON artefacts (key);

CREATE TABLE job_logs (
    seq      INTEGER PRIMARY KEY,
    job      INTEGER NOT NULL REFERENCES jobs (seq),
    ts       INTEGER NOT NULL,
    level    TEXT    NOT NULL,
    category TEXT    NOT NULL,
    message  TEXT    NOT NULL
) STRICT;
CREATE INDEX job_logs_by_job ON job_logs (job);

CREATE TABLE idempotency (
    key_id      TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    body_sha256 BLOB    NOT NULL,
    -- The jobs of one submission have consecutive seqs.
    first_seq   INTEGER NOT NULL,
    jobs        INTEGER NOT NULL,
    batch       TEXT,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (key_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE registrations (
    seq          INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    install_id   TEXT    NOT NULL,
    secret_hash  TEXT    NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('pending', 'approved', 'rejected')),
    capabilities TEXT    NOT NULL,
    user_agent   TEXT    NOT NULL,
    source_addr  TEXT    NOT NULL,
    reason       TEXT,
    -- Empty for an approval by join code until the first poll names the worker.
    worker       TEXT,
    created_at   INTEGER NOT NULL,
    decided_at   INTEGER
) STRICT;
CREATE INDEX registrations_by_status ON registrations (status);
CREATE UNIQUE INDEX registrations_pending ON registrations (install_id) WHERE status = 'pending';
CREATE INDEX registrations_by_worker ON registrations (worker) WHERE worker IS NOT NULL;

CREATE TABLE workers (
    id           TEXT    PRIMARY KEY,
    name         TEXT    NOT NULL,
    token_hash   TEXT,
    paused       INTEGER NOT NULL DEFAULT 0,
    capabilities TEXT    NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Apart from `workers`, whose rows are long: this one is written for every worker, all the time.
CREATE TABLE worker_presence (
    worker       TEXT    PRIMARY KEY REFERENCES workers (id) ON DELETE CASCADE,
    last_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE join_codes (
    hash       TEXT    PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    uses_left  INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    seq        INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    hash       TEXT    NOT NULL UNIQUE,
    project    TEXT,
    created_at INTEGER NOT NULL
) STRICT;

-- How many jobs are where, over all; one row.
CREATE TABLE job_counts (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    queued      INTEGER NOT NULL DEFAULT 0,
    offered     INTEGER NOT NULL DEFAULT 0,
    running     INTEGER NOT NULL DEFAULT 0,
    done        INTEGER NOT NULL DEFAULT 0,
    failed      INTEGER NOT NULL DEFAULT 0,
    cancelled   INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO job_counts (id) VALUES (1);

-- New jobs are counted once per submission, by the statement that stores the batch.
-- Spelled out: an IN list would build a table of its own each time.
CREATE TRIGGER jobs_counted AFTER UPDATE OF state ON jobs WHEN new.state <> old.state BEGIN
    UPDATE job_counts SET
        queued      = queued      + (new.state = 'queued')      - (old.state = 'queued'),
        offered     = offered     + (new.state = 'offered')     - (old.state = 'offered'),
        running     = running     + (new.state = 'running')     - (old.state = 'running'),
        done        = done        + (new.state = 'done')        - (old.state = 'done'),
        failed      = failed      + (new.state = 'failed')      - (old.state = 'failed'),
        cancelled   = cancelled   + (new.state = 'cancelled')   - (old.state = 'cancelled'),
        quarantined = quarantined + (new.state = 'quarantined') - (old.state = 'quarantined')
    WHERE id = 1;
    UPDATE batches SET
        queued      = queued      + (new.state = 'queued')      - (old.state = 'queued'),
        offered     = offered     + (new.state = 'offered')     - (old.state = 'offered'),
        running     = running     + (new.state = 'running')     - (old.state = 'running'),
        done        = done        + (new.state = 'done')        - (old.state = 'done'),
        failed      = failed      + (new.state = 'failed')      - (old.state = 'failed'),
        cancelled   = cancelled   + (new.state = 'cancelled')   - (old.state = 'cancelled'),
        quarantined = quarantined + (new.state = 'quarantined') - (old.state = 'quarantined'),
        finished_at = CASE
            WHEN queued + offered + running
                + (new.state = 'queued') + (new.state = 'offered') + (new.state = 'running')
                - (old.state = 'queued') - (old.state = 'offered') - (old.state = 'running') = 0
            THEN new.finished_at
        END
    WHERE seq = new.batch;
END;
