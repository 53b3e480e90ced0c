-- People with passwords, their sessions in browsers, what everybody did, and keys that end.

CREATE TABLE users (
    seq          INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    -- The name in lower case, beyond ASCII too: what SQLite's NOCASE cannot compare.
    folded       TEXT    NOT NULL UNIQUE,
    -- A PHC string: algorithm, parameters, salt and hash.
    password     TEXT    NOT NULL,
    role         TEXT    NOT NULL,
    disabled     INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER
) STRICT;

CREATE TABLE browser_sessions (
    hash       TEXT    PRIMARY KEY,
    user       INTEGER NOT NULL REFERENCES users (seq) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX browser_sessions_by_user ON browser_sessions (user);

-- Without an index beside the rows' order: it is written often, read seldom, and its length is bounded.
CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    actor_id TEXT,
    action   TEXT    NOT NULL,
    target   TEXT,
    status   INTEGER NOT NULL,
    detail   TEXT,
    -- The same thing in a row is one row.
    times    INTEGER NOT NULL DEFAULT 1
) STRICT;

ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;
