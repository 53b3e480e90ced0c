-- The span of the request that submitted a job, as W3C Trace Context writes it; not in the hot row.
ALTER TABLE job_tasks ADD COLUMN trace TEXT;
