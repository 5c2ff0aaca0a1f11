-- Keys: the master keys in use, what they seal, and each user's wishes about AI.

-- check_value seals a known word, so that a wrong key is told before it does harm.
-- wraps counts what the key sealed: random nonces are good for a limited number.
CREATE TABLE kek (
    kek_id BLOB NOT NULL PRIMARY KEY CHECK (length(kek_id) = 8),
    state TEXT NOT NULL CHECK (state IN ('ACTIVE', 'RETIRED')),
    wraps INTEGER NOT NULL,
    check_value BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE root_secret (
    generation INTEGER NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Deleting the row makes everything sealed with it unreadable.
CREATE TABLE user_key (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE provider_key (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider TEXT NOT NULL CHECK (provider IN ('ANTHROPIC', 'OPENAI', 'OPENAI_COMPATIBLE')),
    base_url TEXT,
    sealed BLOB NOT NULL,
    last4 TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    UNIQUE (user_id, provider)
) STRICT, WITHOUT ROWID;

CREATE TABLE ai_settings (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    network_enabled INTEGER NOT NULL,
    provider TEXT CHECK (provider IN ('LOCAL', 'ANTHROPIC', 'OPENAI', 'OPENAI_COMPATIBLE')),
    model TEXT,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
