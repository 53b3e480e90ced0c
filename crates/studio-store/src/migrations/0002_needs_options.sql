-- Whether the task states what only a worker with the extension `options` understands; older jobs state nothing of it.
ALTER TABLE jobs ADD COLUMN needs_options INTEGER NOT NULL DEFAULT 0;
