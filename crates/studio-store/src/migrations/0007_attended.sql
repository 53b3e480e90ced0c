-- Jobs whose clients wait for them on an open connection. The studio calls off at its start what is left here from
-- the former run: nobody waits for it any more. A row without an open job says nothing.
CREATE TABLE attended (job TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
