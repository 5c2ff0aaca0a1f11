-- Keys: the same tables as 003_keys.lite.sql.

-- check_value seals a known word, so that a wrong key is told before it does harm.
-- wraps counts what the key sealed: random nonces are good for a limited number.
CREATE TABLE kek (
    kek_id BYTEA NOT NULL PRIMARY KEY CHECK (length(kek_id) = 8),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('ACTIVE', 'RETIRED')),
    wraps BIGINT NOT NULL,
    check_value BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE root_secret (
    generation BIGINT NOT NULL PRIMARY KEY,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

-- Deleting the row makes everything sealed with it unreadable.
CREATE TABLE user_key (
    user_id UUID NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE provider_key (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider TEXT COLLATE "C" NOT NULL CHECK (provider IN ('ANTHROPIC', 'OPENAI', 'OPENAI_COMPATIBLE')),
    base_url TEXT COLLATE "C",
    sealed BYTEA NOT NULL,
    last4 TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    UNIQUE (user_id, provider)
);

CREATE TABLE ai_settings (
    user_id UUID NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    network_enabled BIGINT NOT NULL,
    provider TEXT COLLATE "C" CHECK (provider IN ('LOCAL', 'ANTHROPIC', 'OPENAI', 'OPENAI_COMPATIBLE')),
    model TEXT COLLATE "C",
    updated_at BIGINT NOT NULL
);
