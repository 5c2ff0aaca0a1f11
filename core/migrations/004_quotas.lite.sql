-- Exact sliding windows: when a subject was last asked about, and what counts for it. Times are in
-- the time of the subject's last call; the engine moves them when the clock was set back.
CREATE TABLE quota_subject (
    subject TEXT NOT NULL PRIMARY KEY,
    last_at INTEGER NOT NULL,
    prev_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_quota_subject_last_at ON quota_subject (last_at);

CREATE TABLE quota_event (
    subject TEXT NOT NULL REFERENCES quota_subject (subject) ON DELETE CASCADE,
    id BLOB NOT NULL CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('RESERVED', 'SETTLED')),
    expires_at INTEGER,
    PRIMARY KEY (subject, id),
    CHECK ((state = 'RESERVED') = (expires_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
