-- Foundation: jobs, documents, coach, local match, read model, change log, background work.
-- The same tables as 001_foundation.lite.sql. Ids are uuid, times and flags BIGINT (Unix ms, 0/1),
-- enums their upper-case names, JSON text. Text sorts bytewise, as in SQLite, whatever the locale.

CREATE TABLE users (
    id UUID NOT NULL PRIMARY KEY,
    email TEXT COLLATE "C",
    display_name TEXT COLLATE "C" NOT NULL,
    tier TEXT COLLATE "C" NOT NULL CHECK (tier IN ('FREE', 'PRO', 'ENTERPRISE')),
    locale TEXT COLLATE "C" NOT NULL,
    time_zone TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE companies (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (user_id, key)
);

-- n orders the text index: local to this database, never exported.
-- guard rises with every write to the job or to anything below it.
CREATE TABLE jobs (
    n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    company_id UUID NOT NULL REFERENCES companies (id),
    title TEXT COLLATE "C" NOT NULL,
    title_key TEXT COLLATE "C" NOT NULL,
    posting_url TEXT COLLATE "C",
    location TEXT COLLATE "C",
    source TEXT COLLATE "C",
    notes TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('ON_RADAR', 'APPLIED', 'PHONE_SCREEN', 'ONSITE', 'OFFER', 'ACCEPTED', 'REJECTED', 'WITHDRAWN', 'GHOSTED')),
    status_since BIGINT NOT NULL,
    applied_at BIGINT,
    applied_resume_id UUID,
    archived_at BIGINT,
    trashed_at BIGINT,
    purge_at BIGINT,
    coach_status TEXT COLLATE "C" NOT NULL CHECK (coach_status IN ('NOT_STARTED', 'PROFILE_BUILDING', 'RESUME_READY', 'APPLIED', 'INTERVIEW_PREP')),
    version BIGINT NOT NULL,
    guard BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((trashed_at IS NULL) = (purge_at IS NULL))
);

CREATE INDEX idx_jobs_user_id ON jobs (user_id, created_at);
CREATE INDEX idx_jobs_company_id ON jobs (company_id);
CREATE INDEX idx_jobs_applied_resume_id ON jobs (applied_resume_id);
CREATE INDEX idx_jobs_purge_at ON jobs (purge_at) WHERE purge_at IS NOT NULL;

CREATE TABLE status_history (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    from_status TEXT COLLATE "C",
    to_status TEXT COLLATE "C" NOT NULL,
    changed_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    note TEXT COLLATE "C"
);

CREATE INDEX idx_status_history_job ON status_history (job_id, changed_at, id);
CREATE INDEX idx_status_history_user ON status_history (user_id);

CREATE TABLE blob (
    hash BYTEA NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    size BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('LIVE', 'DELETING')),
    created_at BIGINT NOT NULL
);

CREATE INDEX idx_blob_deleting ON blob (state) WHERE state = 'DELETING';

CREATE TABLE upload (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash BYTEA NOT NULL REFERENCES blob (hash),
    filename TEXT COLLATE "C" NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    mismatch BIGINT NOT NULL,
    size BIGINT NOT NULL,
    used BIGINT NOT NULL CHECK (used IN (0, 1)),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX idx_upload_expires ON upload (expires_at);
CREATE INDEX idx_upload_hash ON upload (hash);
CREATE INDEX idx_upload_user ON upload (user_id);

CREATE TABLE attachments (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('RESUME', 'JD', 'COVER_LETTER', 'OTHER')),
    version BIGINT NOT NULL CHECK (version >= 1),
    is_active BIGINT NOT NULL CHECK (is_active IN (0, 1)),
    filename TEXT COLLATE "C" NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    hash BYTEA NOT NULL REFERENCES blob (hash),
    source TEXT COLLATE "C" NOT NULL CHECK (source IN ('UPLOAD', 'PASTE', 'GENERATED', 'IMPORT')),
    text_state TEXT COLLATE "C" NOT NULL CHECK (text_state IN ('NONE', 'PENDING', 'READY', 'EMPTY', 'FAILED')),
    text_error TEXT COLLATE "C",
    trashed_at BIGINT,
    created_at BIGINT NOT NULL,
    CHECK (is_active = 0 OR trashed_at IS NULL)
);

CREATE UNIQUE INDEX idx_attachments_job_type ON attachments (job_id, kind, version);
CREATE UNIQUE INDEX idx_attachments_active ON attachments (job_id, kind) WHERE is_active = 1;
ALTER TABLE jobs ADD CONSTRAINT jobs_applied_resume_id_fkey
    FOREIGN KEY (applied_resume_id) REFERENCES attachments (id) ON DELETE SET NULL;

CREATE INDEX idx_attachments_hash ON attachments (hash);
CREATE INDEX idx_attachments_user ON attachments (user_id);

-- Rows may hold megabytes of text.
CREATE TABLE attachment_variants (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    attachment_id UUID NOT NULL REFERENCES attachments (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL CHECK (name IN ('RAW', 'AI_NORMALIZED')),
    text TEXT COLLATE "C" NOT NULL,
    word_count BIGINT NOT NULL,
    token_estimate BIGINT NOT NULL,
    page_count BIGINT,
    truncated BIGINT NOT NULL,
    source TEXT COLLATE "C" NOT NULL CHECK (source IN ('EXTRACTED', 'AI', 'MANUAL', 'IMPORT')),
    extractor_version BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (attachment_id, name)
);

CREATE INDEX idx_attachment_variants_user ON attachment_variants (user_id);

CREATE TABLE coach_state (
    job_id UUID NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    discovery_complete_at BIGINT,
    profile_analyzed_at BIGINT,
    score_recalculated_at BIGINT,
    resume_generated_at BIGINT,
    resume_finalized_at BIGINT,
    cover_letter_generated_at BIGINT,
    applied_at BIGINT,
    interview_started_at BIGINT,
    cover_letter_skipped BIGINT NOT NULL,
    current_step TEXT COLLATE "C",
    questions TEXT COLLATE "C" NOT NULL,
    answers TEXT COLLATE "C" NOT NULL,
    profile TEXT COLLATE "C",
    score_before DOUBLE PRECISION,
    score_after DOUBLE PRECISION,
    progress BIGINT NOT NULL,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX idx_coach_state_user ON coach_state (user_id);

-- The local match of the active résumé and job description, kept with the texts it was made from.
CREATE TABLE job_match (
    job_id UUID NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    resume_variant_id UUID NOT NULL REFERENCES attachment_variants (id) ON DELETE CASCADE,
    jd_variant_id UUID NOT NULL REFERENCES attachment_variants (id) ON DELETE CASCADE,
    value DOUBLE PRECISION,
    summary TEXT COLLATE "C" NOT NULL,
    skills TEXT COLLATE "C" NOT NULL,
    analysis_version BIGINT NOT NULL,
    computed_at BIGINT NOT NULL
);

CREATE INDEX idx_job_match_user ON job_match (user_id);
CREATE INDEX idx_job_match_resume ON job_match (resume_variant_id);
CREATE INDEX idx_job_match_jd ON job_match (jd_variant_id);

-- Read model of the job list. Folder: 0 active, 1 archived, 2 trashed, 3 trashed and archived.
CREATE TABLE job_list (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    folder BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    title_key TEXT COLLATE "C" NOT NULL,
    company_id UUID NOT NULL,
    company TEXT COLLATE "C" NOT NULL,
    company_key TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    status_since BIGINT NOT NULL,
    posting_url TEXT COLLATE "C",
    location TEXT COLLATE "C",
    source TEXT COLLATE "C",
    applied_at BIGINT,
    applied_resume_id UUID,
    archived_at BIGINT,
    trashed_at BIGINT,
    purge_at BIGINT,
    coach_status TEXT COLLATE "C" NOT NULL,
    coach_progress BIGINT NOT NULL,
    match_score DOUBLE PRECISION,
    attachment_count BIGINT NOT NULL,
    attachment_kinds BIGINT NOT NULL,
    resume_id UUID,
    jd_id UUID,
    PRIMARY KEY (user_id, folder, created_at, job_id)
);

CREATE UNIQUE INDEX idx_job_list_job ON job_list (job_id);
CREATE INDEX idx_job_list_status ON job_list (user_id, folder, status, created_at, job_id);
CREATE INDEX idx_jobs_user_status ON job_list (user_id, folder, coach_status, created_at, job_id);
CREATE INDEX idx_job_list_updated ON job_list (user_id, folder, updated_at, job_id);
CREATE INDEX idx_job_list_title ON job_list (user_id, folder, title_key, job_id);
CREATE INDEX idx_job_list_company ON job_list (user_id, folder, company_key, job_id);

CREATE TABLE job_count (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    folder BIGINT NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    coach_status TEXT COLLATE "C" NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (user_id, folder, status, coach_status)
);

-- Words of a job, made by the engine: no dictionary and no parser of the server. The owner is part of
-- the index, so that nobody's search walks another's words. Without a pending list a search never
-- pays for other people's writes.
CREATE EXTENSION IF NOT EXISTS btree_gin;

CREATE TABLE job_search (
    job_id UUID NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    n BIGINT NOT NULL,
    words TEXT COLLATE "C" NOT NULL,
    tsv TSVECTOR NOT NULL
);

-- For words that most jobs have: the newest hits come first, without looking at all of them.
CREATE INDEX idx_job_search_newest ON job_search (user_id, n);
CREATE INDEX idx_job_search_words ON job_search USING gin (user_id, tsv) WITH (fastupdate = off);

CREATE TABLE user_rev (
    user_id UUID NOT NULL PRIMARY KEY,
    rev BIGINT NOT NULL,
    floor BIGINT NOT NULL
);

CREATE TABLE change_log (
    user_id UUID NOT NULL,
    rev BIGINT NOT NULL,
    entity TEXT COLLATE "C" NOT NULL,
    entity_id UUID NOT NULL,
    op TEXT COLLATE "C" NOT NULL CHECK (op IN ('CREATED', 'UPDATED', 'DELETED')),
    at BIGINT NOT NULL,
    PRIMARY KEY (user_id, rev)
);

CREATE TABLE idempotency (
    user_id UUID NOT NULL,
    mutation TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    result TEXT COLLATE "C" NOT NULL,
    rev BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, mutation, key)
);

CREATE INDEX idx_idempotency_expires ON idempotency (expires_at);

CREATE TABLE task (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    subject UUID NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('QUEUED', 'RUNNING', 'DEAD')),
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    lease_until BIGINT,
    lease_token UUID,
    last_error TEXT COLLATE "C",
    created_at BIGINT NOT NULL
);

CREATE INDEX idx_task_due ON task (run_at, id) WHERE state = 'QUEUED';
CREATE INDEX idx_task_lease ON task (lease_until) WHERE state = 'RUNNING';
CREATE UNIQUE INDEX idx_task_subject ON task (kind, subject);
