-- The same tables as 005_analyses.lite.sql.
-- Analyses: what users asked for, what it cost, the answers kept, and who is calling whom.
-- Sealed columns hold envelopes (algorithm 2) under the key of their user; `sealed` = 0 is plain
-- JSON that names no person.

-- One row per request of one user. `origin_id` is the run that made a kept or joined answer.
CREATE TABLE ai_run (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    job_id UUID REFERENCES jobs (id) ON DELETE CASCADE,
    attachment_id UUID,
    company TEXT COLLATE "C",
    persona TEXT COLLATE "C" CHECK (persona IN ('RECRUITER', 'HIRING_MANAGER', 'PEER')),
    subject TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    source TEXT COLLATE "C" CHECK (source IN ('FRESH', 'CACHE', 'SHARED', 'POOLED', 'STALE')),
    origin_id UUID,
    provider TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    prompt_version TEXT COLLATE "C" NOT NULL,
    components TEXT COLLATE "C",
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    stalled BIGINT NOT NULL,
    process_id UUID,
    lease_until BIGINT,
    request BYTEA,
    output BYTEA,
    provider_request_id TEXT COLLATE "C",
    tokens_in BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL,
    tokens_cached BIGINT NOT NULL,
    usage_estimated BIGINT NOT NULL,
    cost_micros BIGINT,
    ttft_ms BIGINT,
    total_ms BIGINT,
    error_class TEXT COLLATE "C",
    error_text TEXT COLLATE "C",
    last_sequence BIGINT NOT NULL,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT
);

CREATE INDEX idx_ai_run_origin ON ai_run (user_id, key, subject, origin_id) WHERE origin_id IS NOT NULL;
CREATE INDEX idx_ai_run_created ON ai_run (user_id, created_at, id);
CREATE INDEX idx_ai_run_job ON ai_run (job_id, kind, created_at) WHERE job_id IS NOT NULL;
CREATE INDEX idx_ai_run_due ON ai_run (run_at, id) WHERE state = 'QUEUED';
CREATE INDEX idx_ai_run_lease ON ai_run (lease_until) WHERE state = 'RUNNING';

-- One row per exchange with a provider.
CREATE TABLE ai_attempt (
    run_id UUID NOT NULL REFERENCES ai_run (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    retry_after_ms BIGINT,
    ttft_ms BIGINT,
    total_ms BIGINT NOT NULL,
    tokens_in BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL,
    cost_micros BIGINT,
    PRIMARY KEY (run_id, attempt)
);

-- Answers kept: complete and valid ones only.
CREATE TABLE ai_cache (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner_id UUID REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT COLLATE "C" NOT NULL,
    prompt_version TEXT COLLATE "C" NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    company TEXT COLLATE "C",
    sealed BIGINT NOT NULL CHECK (sealed IN (0, 1)),
    body BYTEA NOT NULL,
    tokens_in BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL,
    cost_micros BIGINT,
    run_id UUID NOT NULL,
    started_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    soft_expires_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    hits BIGINT NOT NULL
);

CREATE INDEX idx_ai_cache_expires ON ai_cache (expires_at);
CREATE INDEX idx_ai_cache_owner ON ai_cache (owner_id);
CREATE INDEX idx_ai_cache_company ON ai_cache (company) WHERE company IS NOT NULL;

-- Who calls a provider for a key, across processes. `fence` rises with every claim: a leader whose
-- fence is not the row's writes nothing.
CREATE TABLE ai_flight (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    process_id UUID NOT NULL,
    fence BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'FAILED', 'RELEASED')),
    error_class TEXT COLLATE "C",
    error_text TEXT COLLATE "C",
    lease_until BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX idx_ai_flight_updated ON ai_flight (updated_at);
