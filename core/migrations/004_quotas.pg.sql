-- Exact sliding windows: when a subject was last asked about, and what counts for it. Times are in
-- the time of the subject's last call; the engine moves them when the clock was set back.
CREATE TABLE quota_subject (
    subject TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    last_at BIGINT NOT NULL,
    prev_at BIGINT NOT NULL
);

CREATE INDEX idx_quota_subject_last_at ON quota_subject (last_at);

CREATE TABLE quota_event (
    subject TEXT COLLATE "C" NOT NULL REFERENCES quota_subject (subject) ON DELETE CASCADE,
    id UUID NOT NULL,
    at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('RESERVED', 'SETTLED')),
    expires_at BIGINT,
    PRIMARY KEY (subject, id),
    CHECK ((state = 'RESERVED') = (expires_at IS NOT NULL))
);

-- The present, not the start of the transaction: a batch may have waited for a row.
CREATE FUNCTION jotrack_clock_ms() RETURNS BIGINT LANGUAGE sql VOLATILE AS $$
    SELECT CAST(floor(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)
$$;
