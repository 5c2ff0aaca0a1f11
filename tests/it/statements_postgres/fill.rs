//! Many users with many jobs, made by the server itself.

use jotrack_core::UserId;
use jotrack_tests::services::Database;

pub(super) const USERS: u32 = 10_000;
pub(super) const JOBS: u32 = 20;

/// Fills every table that grows with use, and analyses them.
pub(super) async fn fill(database: &Database) {
    database.execute(&sql(USERS, JOBS)).await;
    // Not in a transaction.
    database.connect().await.batch_execute("VACUUM ANALYZE").await.unwrap();
}

/// Returns one of the users, counted from 1.
pub(super) fn user(n: u32) -> UserId {
    format!("{n:012x}70008000{:012x}", 1).parse().unwrap()
}

fn sql(users: u32, jobs: u32) -> String {
    format!(
        "SET LOCAL session_replication_role = replica;
         SET LOCAL maintenance_work_mem = '256MB';
         CREATE FUNCTION pg_temp.id(kind INT, n BIGINT) RETURNS UUID LANGUAGE sql IMMUTABLE AS $$
             SELECT CAST(lpad(to_hex(n), 12, '0') || '70008000' || lpad(to_hex(kind), 12, '0') AS UUID) $$;
         CREATE TEMP TABLE later ON COMMIT DROP AS
             SELECT x.indexrelid::regclass::text AS name, pg_get_indexdef(x.indexrelid) AS sql
             FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid
             WHERE c.relnamespace = 'public'::regnamespace
                 AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid);
         DO $$ DECLARE r RECORD; BEGIN
             FOR r IN SELECT name FROM later LOOP EXECUTE 'DROP INDEX ' || r.name; END LOOP; END $$;
         CREATE TEMP TABLE who ON COMMIT DROP AS
             SELECT pg_temp.id(1, u) AS id, pg_temp.id(2, u) AS firm, u FROM generate_series(1, {users}) u;
         CREATE TEMP TABLE fresh ON COMMIT DROP AS
             SELECT pg_temp.id(3, n) AS id, w.id AS user_id, w.firm AS company_id, w.u, i, n,
                 pg_temp.id(4, n) AS resume, pg_temp.id(5, n) AS jd, pg_temp.id(6, n) AS resume_text,
                 pg_temp.id(7, n) AS jd_text, 1700000000000 + n AS at,
                 sha256(convert_to(n::text, 'UTF8')) AS hash,
                 (ARRAY['APPLIED', 'OFFER', 'ON_RADAR'])[1 + i % 3] AS status
             FROM who w, generate_series(1, {jobs}) i, LATERAL (SELECT w.u * 100 + i AS n) k;
         INSERT INTO users (id, display_name, tier, locale, time_zone, version, created_at, updated_at)
             SELECT id, 'U', 'FREE', 'en', 'UTC', 1, 1, 1 FROM who;
         INSERT INTO companies (id, user_id, name, key, version, created_at, updated_at)
             SELECT firm, id, 'Firm ' || u, 'firm ' || u, 1, 1, 1 FROM who;
         INSERT INTO jobs (id, user_id, company_id, title, title_key, status, status_since, coach_status,
                 version, guard, created_at, updated_at, trashed_at, purge_at)
             SELECT id, user_id, company_id, 'T' || i, 't' || i, status, at, 'NOT_STARTED', 1, 1, at, at,
                 CASE i WHEN 1 THEN at END, CASE i WHEN 1 THEN at END
             FROM fresh;
         INSERT INTO status_history (id, user_id, job_id, to_status, changed_at, recorded_at)
             SELECT pg_temp.id(8, n), user_id, id, status, at, at FROM fresh;
         INSERT INTO blob (hash, size, state, created_at)
             SELECT hash, 1, CASE i WHEN 2 THEN 'DELETING' ELSE 'LIVE' END, 1 FROM fresh;
         INSERT INTO upload (id, user_id, hash, filename, media_type, mismatch, size, used, created_at, expires_at)
             SELECT pg_temp.id(9, n), user_id, hash, 'f', 'text/plain', 0, 1, 1, at, at
             FROM fresh WHERE i < 4;
         INSERT INTO attachments (id, user_id, job_id, kind, version, is_active, filename, media_type, size,
                 hash, source, text_state, created_at)
             SELECT CASE k WHEN 'JD' THEN j.jd ELSE j.resume END, user_id, j.id, k, 1, 1, 'f', 'text/plain', 1,
                 hash, 'PASTE', 'READY', at
             FROM fresh j, unnest(ARRAY['RESUME', 'JD']) k;
         INSERT INTO attachment_variants (id, user_id, attachment_id, name, text, word_count, token_estimate,
                 truncated, source, extractor_version, version, created_at, updated_at)
             SELECT CASE k WHEN 'JD' THEN j.jd_text ELSE j.resume_text END, user_id,
                 CASE k WHEN 'JD' THEN j.jd ELSE j.resume END, 'RAW', 'some text', 2, 3, 0, 'MANUAL', 1, 1, 1, 1
             FROM fresh j, unnest(ARRAY['RESUME', 'JD']) k;
         INSERT INTO coach_state (job_id, user_id, cover_letter_skipped, questions, answers, progress, version, updated_at)
             SELECT id, user_id, 0, '[]', '{{}}', 0, 1, 1 FROM fresh WHERE i % 2 = 0;
         INSERT INTO job_match (job_id, user_id, resume_variant_id, jd_variant_id, value, summary, skills,
                 analysis_version, computed_at)
             SELECT id, user_id, resume_text, jd_text, 50, '{{}}', '{{\"percentage\": null, \"skills\": []}}', 1, at FROM fresh WHERE i % 2 = 0;
         INSERT INTO job_list (user_id, folder, created_at, job_id, updated_at, version, title, title_key,
                 company_id, company, company_key, status, status_since, coach_status, coach_progress,
                 attachment_count, attachment_kinds)
             SELECT user_id, CASE i WHEN 1 THEN 2 ELSE 0 END, at, id, at, 1, 'T' || i, 't' || i, company_id,
                 'Firm ' || u, 'firm ' || u, status, at, 'NOT_STARTED', 0, 2, 6
             FROM fresh;
         INSERT INTO job_count (user_id, folder, status, coach_status, n)
             SELECT user_id, folder, status, coach_status, count(*) FROM job_list GROUP BY 1, 2, 3, 4;
         INSERT INTO job_search (job_id, user_id, n, words, tsv)
             SELECT j.id, j.user_id, j.n, ' =t t' || f.i || ' =c firm =n  =b common words w' || f.u % 100 || ' ',
                 to_tsvector('simple', 't' || f.i || ' firm common words w' || f.u % 100)
             FROM fresh f JOIN jobs j ON j.id = f.id WHERE f.i > 1;
         INSERT INTO user_key (user_id, sealed, created_at)
             SELECT id, decode(repeat('00', 133), 'hex'), 1 FROM who;
         INSERT INTO provider_key (id, user_id, provider, sealed, last4, fingerprint, created_at)
             SELECT pg_temp.id(11, u), id, 'OPENAI', decode(repeat('00', 133), 'hex'), 'last', 'mark', 1 FROM who;
         INSERT INTO ai_settings (user_id, network_enabled, updated_at) SELECT id, 1, 1 FROM who;
         INSERT INTO user_rev (user_id, rev, floor) SELECT id, {jobs}, 0 FROM who;
         INSERT INTO change_log (user_id, rev, entity, entity_id, op, at)
             SELECT user_id, i, 'JOB', id, 'CREATED', at FROM fresh;
         INSERT INTO idempotency (user_id, mutation, key, digest, result, rev, expires_at)
             SELECT user_id, 'jobCreate', 'k' || i, '\\x00', '\"\"', i, at FROM fresh WHERE i < 6;
         INSERT INTO task (id, user_id, kind, subject, state, run_at, attempts, created_at)
             SELECT pg_temp.id(10, n), user_id, 'TEXT_EXTRACTION', jd,
                 (ARRAY['QUEUED', 'RUNNING', 'DEAD'])[i], at, 0, at
             FROM fresh WHERE i < 4;
         INSERT INTO ai_run (id, user_id, job_id, subject, kind, key, state, source, origin_id, provider, model, prompt_version, run_at, attempts, stalled, process_id, lease_until, tokens_in, tokens_out, tokens_cached, usage_estimated, cost_micros, last_sequence, created_at)
             SELECT id, user_id, id, 'job:' || id, 'MATCH_SCORE', 'v1:u:' || id, CASE WHEN i % 100 = 1 THEN 'QUEUED' WHEN i % 100 = 2 THEN 'RUNNING' ELSE 'SUCCEEDED' END,
                 'FRESH', id, 'LOCAL', 'm', 'p', at, 0, 0, id, at, 1, 1, 0, 0, 0, 3, at FROM fresh;
         INSERT INTO ai_attempt (run_id, attempt, outcome, total_ms, tokens_in, tokens_out)
             SELECT id, 1, 'ok', 1, 1, 1 FROM fresh;
         INSERT INTO ai_cache (key, owner_id, kind, prompt_version, provider, model, company, sealed, body, tokens_in, tokens_out, run_id, started_at, created_at, soft_expires_at, expires_at, hits)
             SELECT 'v1:u:' || id, user_id, 'MATCH_SCORE', 'p', 'LOCAL', 'm', 'n:' || id, 0, decode('00', 'hex'), 1, 1, id, at, at, at, at, 0 FROM fresh;
         INSERT INTO ai_flight (key, process_id, fence, state, lease_until, updated_at)
             SELECT 'v1:u:' || id, id, 1, CASE WHEN i % 100 = 1 THEN 'RUNNING' ELSE 'DONE' END, at, at FROM fresh;
         INSERT INTO quota_subject (subject, last_at, prev_at) SELECT 'ai:' || id, u, 0 FROM who;
         INSERT INTO quota_event (subject, id, at, state)
             SELECT 'ai:' || user_id, id, at, 'SETTLED' FROM fresh;
         DO $$ DECLARE r RECORD; BEGIN
             FOR r IN SELECT sql FROM later LOOP EXECUTE r.sql; END LOOP; END $$;"
    )
}
