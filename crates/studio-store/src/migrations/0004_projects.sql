-- What a project may have of the fleet and what is kept of it, and how many of its jobs are where.
-- `held` are the offered and the running ones: which of the two is seen where it matters, in `jobs`.
-- The counts are brought up to date once in each commit, not once for each job; a start that finds them wrong (after
-- the version before wrote) counts anew.
ALTER TABLE projects ADD COLUMN weight REAL NOT NULL DEFAULT 1;
ALTER TABLE projects ADD COLUMN max_queued INTEGER;
ALTER TABLE projects ADD COLUMN max_running INTEGER;
ALTER TABLE projects ADD COLUMN keep_artefacts_days INTEGER;
ALTER TABLE projects ADD COLUMN keep_jobs_days INTEGER;
ALTER TABLE projects ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN done INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN quarantined INTEGER NOT NULL DEFAULT 0;

-- Where a job that was moved waits; absent for the others, which wait in the order of arrival.
ALTER TABLE jobs ADD COLUMN place INTEGER;

-- JSON; absent: no limits.
ALTER TABLE workers ADD COLUMN limits TEXT;
ALTER TABLE workers ADD COLUMN draining INTEGER NOT NULL DEFAULT 0;

-- Since when an operator holds the queue; one row.
CREATE TABLE queue (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    paused_at INTEGER
) STRICT;
INSERT INTO queue (id) VALUES (1);
