-- Analyses: what users asked for, what it cost, the answers kept, and who is calling whom.
-- Sealed columns hold envelopes (algorithm 2) under the key of their user; `sealed` = 0 is plain
-- JSON that names no person.

-- One row per request of one user. `origin_id` is the run that made a kept or joined answer.
-- Rows hold answers of kilobytes, which every search for a neighbour would read: hence a rowid table.
CREATE TABLE ai_run (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    job_id BLOB REFERENCES jobs (id) ON DELETE CASCADE,
    attachment_id BLOB,
    company TEXT,
    persona TEXT CHECK (persona IN ('RECRUITER', 'HIRING_MANAGER', 'PEER')),
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    source TEXT CHECK (source IN ('FRESH', 'CACHE', 'SHARED', 'POOLED', 'STALE')),
    origin_id BLOB,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    prompt_version TEXT NOT NULL,
    components TEXT,
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    stalled INTEGER NOT NULL,
    process_id BLOB,
    lease_until INTEGER,
    request BLOB,
    output BLOB,
    provider_request_id TEXT,
    tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    tokens_cached INTEGER NOT NULL,
    usage_estimated INTEGER NOT NULL,
    cost_micros INTEGER,
    ttft_ms INTEGER,
    total_ms INTEGER,
    error_class TEXT,
    error_text TEXT,
    last_sequence INTEGER NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER
) STRICT;

CREATE INDEX idx_ai_run_origin ON ai_run (user_id, key, subject, origin_id) WHERE origin_id IS NOT NULL;
CREATE INDEX idx_ai_run_created ON ai_run (user_id, created_at, id);
CREATE INDEX idx_ai_run_job ON ai_run (job_id, kind, created_at) WHERE job_id IS NOT NULL;
CREATE INDEX idx_ai_run_due ON ai_run (run_at, id) WHERE state = 'QUEUED';
CREATE INDEX idx_ai_run_lease ON ai_run (lease_until) WHERE state = 'RUNNING';

-- One row per exchange with a provider.
CREATE TABLE ai_attempt (
    run_id BLOB NOT NULL REFERENCES ai_run (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    retry_after_ms INTEGER,
    ttft_ms INTEGER,
    total_ms INTEGER NOT NULL,
    tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    cost_micros INTEGER,
    PRIMARY KEY (run_id, attempt)
) STRICT, WITHOUT ROWID;

-- Answers kept: complete and valid ones only. A rowid table for the same reason.
CREATE TABLE ai_cache (
    key TEXT NOT NULL PRIMARY KEY,
    owner_id BLOB REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    prompt_version TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    company TEXT,
    sealed INTEGER NOT NULL CHECK (sealed IN (0, 1)),
    body BLOB NOT NULL,
    tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    cost_micros INTEGER,
    run_id BLOB NOT NULL,
    started_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    soft_expires_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    hits INTEGER NOT NULL
) STRICT;

CREATE INDEX idx_ai_cache_expires ON ai_cache (expires_at);
CREATE INDEX idx_ai_cache_owner ON ai_cache (owner_id);
CREATE INDEX idx_ai_cache_company ON ai_cache (company) WHERE company IS NOT NULL;

-- Who calls a provider for a key, across processes. `fence` rises with every claim: a leader whose
-- fence is not the row's writes nothing.
CREATE TABLE ai_flight (
    key TEXT NOT NULL PRIMARY KEY,
    process_id BLOB NOT NULL,
    fence INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'FAILED', 'RELEASED')),
    error_class TEXT,
    error_text TEXT,
    lease_until INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_ai_flight_updated ON ai_flight (updated_at);
