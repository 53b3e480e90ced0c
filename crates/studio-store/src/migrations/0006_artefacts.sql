-- What clients bring for their jobs. The bytes are in the artefact store.
CREATE TABLE inputs (
    seq        INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    project    TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    sha256     TEXT    NOT NULL,
    bytes      INTEGER NOT NULL,
    mime       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX inputs_by_key ON inputs (key);

-- Which jobs name which inputs: an input stays as long as one of them may still want it.
CREATE TABLE job_inputs (
    job   INTEGER NOT NULL REFERENCES jobs (seq),
    input INTEGER NOT NULL REFERENCES inputs (seq),
    PRIMARY KEY (job, input)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_inputs_by_input ON job_inputs (input);

-- The secret of a webhook is derived from its id and `secret_version`, never stored.
CREATE TABLE webhooks (
    seq            INTEGER PRIMARY KEY,
    id             TEXT    NOT NULL UNIQUE,
    url            TEXT    NOT NULL,
    -- Words, with spaces between them.
    events         TEXT    NOT NULL,
    project        TEXT,
    disabled       INTEGER NOT NULL DEFAULT 0,
    secret_version INTEGER NOT NULL DEFAULT 1,
    created_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE deliveries (
    seq        INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    webhook    INTEGER NOT NULL REFERENCES webhooks (seq) ON DELETE CASCADE,
    event      TEXT    NOT NULL,
    payload    TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    status     INTEGER,
    error      TEXT,
    created_at INTEGER NOT NULL,
    next_at    INTEGER,
    CHECK ((state = 'waiting') = (next_at IS NOT NULL))
) STRICT;
CREATE INDEX deliveries_by_webhook ON deliveries (webhook);
CREATE INDEX deliveries_due ON deliveries (webhook, next_at) WHERE state = 'waiting';
