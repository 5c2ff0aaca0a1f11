-- Foundation: jobs, documents, coach, local match, read model, change log, background work.
-- Ids are BLOB(16), times and flags INTEGER (Unix ms, 0/1), enums their upper-case names, JSON TEXT.

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    email TEXT,
    display_name TEXT NOT NULL,
    tier TEXT NOT NULL CHECK (tier IN ('FREE', 'PRO', 'ENTERPRISE')),
    locale TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE companies (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (user_id, key)
) STRICT, WITHOUT ROWID;

-- n is the row number of the text index: local to this file, never exported.
-- guard rises with every write to the job or to anything below it.
CREATE TABLE jobs (
    n INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    company_id BLOB NOT NULL REFERENCES companies (id),
    title TEXT NOT NULL,
    title_key TEXT NOT NULL,
    posting_url TEXT,
    location TEXT,
    source TEXT,
    notes TEXT,
    status TEXT NOT NULL CHECK (status IN ('ON_RADAR', 'APPLIED', 'PHONE_SCREEN', 'ONSITE', 'OFFER', 'ACCEPTED', 'REJECTED', 'WITHDRAWN', 'GHOSTED')),
    status_since INTEGER NOT NULL,
    applied_at INTEGER,
    applied_resume_id BLOB REFERENCES attachments (id) ON DELETE SET NULL,
    archived_at INTEGER,
    trashed_at INTEGER,
    purge_at INTEGER,
    coach_status TEXT NOT NULL CHECK (coach_status IN ('NOT_STARTED', 'PROFILE_BUILDING', 'RESUME_READY', 'APPLIED', 'INTERVIEW_PREP')),
    version INTEGER NOT NULL,
    guard INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK ((trashed_at IS NULL) = (purge_at IS NULL))
) STRICT;

CREATE INDEX idx_jobs_user_id ON jobs (user_id, created_at DESC);
CREATE INDEX idx_jobs_company_id ON jobs (company_id);
CREATE INDEX idx_jobs_applied_resume_id ON jobs (applied_resume_id);
CREATE INDEX idx_jobs_purge_at ON jobs (purge_at) WHERE purge_at IS NOT NULL;

CREATE TABLE status_history (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    job_id BLOB NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    from_status TEXT,
    to_status TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    note TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_status_history_job ON status_history (job_id, changed_at, id);
CREATE INDEX idx_status_history_user ON status_history (user_id);

CREATE TABLE blob (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    size INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('LIVE', 'DELETING')),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_blob_deleting ON blob (state) WHERE state = 'DELETING';

CREATE TABLE upload (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash BLOB NOT NULL REFERENCES blob (hash),
    filename TEXT NOT NULL,
    media_type TEXT NOT NULL,
    mismatch INTEGER NOT NULL,
    size INTEGER NOT NULL,
    used INTEGER NOT NULL CHECK (used IN (0, 1)),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_upload_expires ON upload (expires_at);
CREATE INDEX idx_upload_hash ON upload (hash);
CREATE INDEX idx_upload_user ON upload (user_id);

CREATE TABLE attachments (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    job_id BLOB NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('RESUME', 'JD', 'COVER_LETTER', 'OTHER')),
    version INTEGER NOT NULL CHECK (version >= 1),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    filename TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    hash BLOB NOT NULL REFERENCES blob (hash),
    source TEXT NOT NULL CHECK (source IN ('UPLOAD', 'PASTE', 'GENERATED', 'IMPORT')),
    text_state TEXT NOT NULL CHECK (text_state IN ('NONE', 'PENDING', 'READY', 'EMPTY', 'FAILED')),
    text_error TEXT,
    trashed_at INTEGER,
    created_at INTEGER NOT NULL,
    CHECK (is_active = 0 OR trashed_at IS NULL)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX idx_attachments_job_type ON attachments (job_id, kind, version);
CREATE UNIQUE INDEX idx_attachments_active ON attachments (job_id, kind) WHERE is_active = 1;
CREATE INDEX idx_attachments_hash ON attachments (hash);
CREATE INDEX idx_attachments_user ON attachments (user_id);

-- Rows may hold megabytes of text, hence a rowid table.
CREATE TABLE attachment_variants (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    attachment_id BLOB NOT NULL REFERENCES attachments (id) ON DELETE CASCADE,
    name TEXT NOT NULL CHECK (name IN ('RAW', 'AI_NORMALIZED')),
    text TEXT NOT NULL,
    word_count INTEGER NOT NULL,
    token_estimate INTEGER NOT NULL,
    page_count INTEGER,
    truncated INTEGER NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('EXTRACTED', 'AI', 'MANUAL', 'IMPORT')),
    extractor_version INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (attachment_id, name)
) STRICT;

CREATE INDEX idx_attachment_variants_user ON attachment_variants (user_id);

CREATE TABLE coach_state (
    job_id BLOB NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    discovery_complete_at INTEGER,
    profile_analyzed_at INTEGER,
    score_recalculated_at INTEGER,
    resume_generated_at INTEGER,
    resume_finalized_at INTEGER,
    cover_letter_generated_at INTEGER,
    applied_at INTEGER,
    interview_started_at INTEGER,
    cover_letter_skipped INTEGER NOT NULL,
    current_step TEXT,
    questions TEXT NOT NULL,
    answers TEXT NOT NULL,
    profile TEXT,
    score_before REAL,
    score_after REAL,
    progress INTEGER NOT NULL,
    version INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX idx_coach_state_user ON coach_state (user_id);

-- The local match of the active résumé and job description, kept with the texts it was made from.
CREATE TABLE job_match (
    job_id BLOB NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    resume_variant_id BLOB NOT NULL REFERENCES attachment_variants (id) ON DELETE CASCADE,
    jd_variant_id BLOB NOT NULL REFERENCES attachment_variants (id) ON DELETE CASCADE,
    value REAL,
    summary TEXT NOT NULL,
    skills TEXT NOT NULL,
    analysis_version INTEGER NOT NULL,
    computed_at INTEGER NOT NULL
) STRICT;

CREATE INDEX idx_job_match_user ON job_match (user_id);
CREATE INDEX idx_job_match_resume ON job_match (resume_variant_id);
CREATE INDEX idx_job_match_jd ON job_match (jd_variant_id);

-- Read model of the job list. Folder: 0 active, 1 archived, 2 trashed, 3 trashed and archived.
CREATE TABLE job_list (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    folder INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    job_id BLOB NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    title TEXT NOT NULL,
    title_key TEXT NOT NULL,
    company_id BLOB NOT NULL,
    company TEXT NOT NULL,
    company_key TEXT NOT NULL,
    status TEXT NOT NULL,
    status_since INTEGER NOT NULL,
    posting_url TEXT,
    location TEXT,
    source TEXT,
    applied_at INTEGER,
    applied_resume_id BLOB,
    archived_at INTEGER,
    trashed_at INTEGER,
    purge_at INTEGER,
    coach_status TEXT NOT NULL,
    coach_progress INTEGER NOT NULL,
    match_score REAL,
    attachment_count INTEGER NOT NULL,
    attachment_kinds INTEGER NOT NULL,
    resume_id BLOB,
    jd_id BLOB,
    PRIMARY KEY (user_id, folder, created_at DESC, job_id DESC)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX idx_job_list_job ON job_list (job_id);
CREATE INDEX idx_job_list_status ON job_list (user_id, folder, status, created_at DESC, job_id DESC);
CREATE INDEX idx_jobs_user_status ON job_list (user_id, folder, coach_status, created_at DESC, job_id DESC);
CREATE INDEX idx_job_list_updated ON job_list (user_id, folder, updated_at, job_id);
CREATE INDEX idx_job_list_title ON job_list (user_id, folder, title_key, job_id);
CREATE INDEX idx_job_list_company ON job_list (user_id, folder, company_key, job_id);

CREATE TABLE job_count (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    folder INTEGER NOT NULL,
    status TEXT NOT NULL,
    coach_status TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (user_id, folder, status, coach_status)
) STRICT, WITHOUT ROWID;

-- Words of a job, made by the engine; "owner" keeps one user's words from another's.
CREATE VIRTUAL TABLE job_fts USING fts5 (
    owner, title, company, notes, body,
    content = '', contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);

CREATE TABLE user_rev (
    user_id BLOB NOT NULL PRIMARY KEY,
    rev INTEGER NOT NULL,
    floor INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE change_log (
    user_id BLOB NOT NULL,
    rev INTEGER NOT NULL,
    entity TEXT NOT NULL,
    entity_id BLOB NOT NULL,
    op TEXT NOT NULL CHECK (op IN ('CREATED', 'UPDATED', 'DELETED')),
    at INTEGER NOT NULL,
    PRIMARY KEY (user_id, rev)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    user_id BLOB NOT NULL,
    mutation TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    result TEXT NOT NULL,
    rev INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, mutation, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_idempotency_expires ON idempotency (expires_at);

CREATE TABLE task (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    subject BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('QUEUED', 'RUNNING', 'DEAD')),
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    lease_until INTEGER,
    lease_token BLOB,
    last_error TEXT,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_task_due ON task (run_at, id) WHERE state = 'QUEUED';
CREATE INDEX idx_task_lease ON task (lease_until) WHERE state = 'RUNNING';
CREATE UNIQUE INDEX idx_task_subject ON task (kind, subject);
