-- Jobs that are due at the same moment are purged in one order, on both databases. The text is the
-- same for both.
DROP INDEX idx_jobs_purge_at;
CREATE INDEX idx_jobs_purge_at ON jobs (purge_at, id) WHERE purge_at IS NOT NULL;
