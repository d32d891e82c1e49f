"""The tables, and every step by which they came to be. A step that was published is never changed; add another one."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

MIGRATIONS = Migrations("assistant")
"""All steps in order; each runs in one transaction together with the note that it was done."""


@MIGRATIONS(name="001_personalities")
def _personalities(db: Database) -> None:
    db.execute("""
        CREATE TABLE ai_personalities (
            id TEXT PRIMARY KEY,             -- UUID
            tenant TEXT NOT NULL,
            name TEXT NOT NULL COLLATE NOCASE,
            system_prompt TEXT NOT NULL,
            greeting TEXT NOT NULL,
            language TEXT NOT NULL,          -- ISO 639-1
            languages TEXT NOT NULL,         -- JSON list of further ones
            wake_word TEXT NOT NULL,         -- '' for none of its own
            voice_config TEXT NOT NULL,      -- JSON
            created_at TEXT NOT NULL,        -- ISO 8601, UTC
            updated_at TEXT NOT NULL,
            UNIQUE (tenant, name)
        )""")
    db.execute("""
        CREATE TABLE active_personality (
            tenant TEXT PRIMARY KEY,
            personality_id TEXT NOT NULL REFERENCES ai_personalities (id),
            at_once INTEGER NOT NULL,        -- 1: an answer that is being spoken goes on in its voice
            switches INTEGER NOT NULL        -- grows with every switch
        )""")


@MIGRATIONS(name="002_statistics")
def _statistics(db: Database) -> None:
    db.execute("""
        CREATE TABLE usage_by_day (
            day TEXT NOT NULL,               -- ISO 8601, of this machine's zone
            tenant TEXT NOT NULL,
            personality_id TEXT NOT NULL,    -- '' where nobody in particular asked
            stage TEXT NOT NULL,             -- tts, stt
            provider TEXT NOT NULL,
            requests INTEGER NOT NULL,
            failures INTEGER NOT NULL,
            cache_hits INTEGER NOT NULL,
            interruptions INTEGER NOT NULL,
            audio_s REAL NOT NULL,
            characters INTEGER NOT NULL,
            latency_ms_sum REAL NOT NULL,    -- of the latency_count requests that had one
            latency_count INTEGER NOT NULL,
            PRIMARY KEY (day, tenant, personality_id, stage, provider)
        )""")
    db.execute("""
        CREATE TABLE provider_latency (
            stage TEXT NOT NULL,
            provider TEXT NOT NULL,
            ema_ms REAL NOT NULL,            -- exponential moving average, alpha 0.1
            PRIMARY KEY (stage, provider)
        )""")


@MIGRATIONS(name="003_cloud_quota")
def _cloud_quota(db: Database) -> None:
    db.execute("""
        CREATE TABLE cloud_usage (
            provider TEXT NOT NULL,
            month TEXT NOT NULL,             -- 2026-11, as the provider counts months
            voice_class TEXT NOT NULL,       -- such as standard, neural2
            characters INTEGER NOT NULL,     -- spent or reserved
            PRIMARY KEY (provider, month, voice_class)
        )""")


@MIGRATIONS(name="004_speech_cache")
def _speech_cache(db: Database) -> None:
    db.execute("""
        CREATE TABLE speech_cache (
            key TEXT PRIMARY KEY,            -- what pipeline.speech_cache.sound_key says
            provider TEXT NOT NULL,
            audio_s REAL NOT NULL,
            size_bytes INTEGER NOT NULL,
            digest TEXT NOT NULL,            -- of the file's content
            created_at REAL NOT NULL,        -- Unix seconds
            used INTEGER NOT NULL            -- grows with every use; the smallest goes first
        )""")
    db.execute("CREATE INDEX speech_cache_used ON speech_cache (used)")


@MIGRATIONS(name="005_voice_consents")
def _voice_consents(db: Database) -> None:
    db.execute("""
        CREATE TABLE voice_consents (
            id INTEGER PRIMARY KEY,
            tenant TEXT NOT NULL,
            personality_id TEXT NOT NULL,    -- stays when the personality goes
            consent TEXT NOT NULL,           -- who agreed and when, as it was typed
            sample_sha256 TEXT NOT NULL,     -- of the sample's file
            given_at TEXT NOT NULL,          -- ISO 8601, UTC: when the sample was taken in
            ended_at TEXT,                   -- when the sample was deleted; NULL while it is in use
            ended_by TEXT                    -- replaced, withdrawn
        )""")
    db.execute("CREATE INDEX voice_consents_personality ON voice_consents (tenant, personality_id)")


@MIGRATIONS(name="006_samples_of_speech")
def _samples_of_speech(db: Database) -> None:
    # The sample whose voice speaks, as pipeline.speech.sample_mark names it; '' for an engine's own voice.
    db.execute("ALTER TABLE speech_cache ADD COLUMN sample TEXT NOT NULL DEFAULT ''")


@MIGRATIONS(name="007_access_tokens")
def _access_tokens(db: Database) -> None:
    db.execute("""
        CREATE TABLE access_tokens (
            id TEXT PRIMARY KEY,             -- told in lists; nothing can be done with it
            tenant TEXT NOT NULL,
            role TEXT NOT NULL,              -- admin, kiosk
            name TEXT NOT NULL,
            token_sha256 TEXT NOT NULL UNIQUE,
            created_at TEXT NOT NULL,        -- ISO 8601, UTC
            last_used_on TEXT NOT NULL       -- day, ISO 8601; '' before the first use
        )""")


@MIGRATIONS(name="008_incidents")
def _incidents(db: Database) -> None:
    db.execute("""
        CREATE TABLE incidents (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,                -- ISO 8601, UTC: when it happened last
            first_at TEXT NOT NULL,
            level TEXT NOT NULL,             -- info, warning, error
            part TEXT NOT NULL,              -- the module that told it
            message TEXT NOT NULL,           -- holds no words of customers
            times INTEGER NOT NULL           -- in a row
        )""")
    db.execute("""
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            boot TEXT NOT NULL,              -- of the machine, as Linux names it
            pid INTEGER NOT NULL,
            born INTEGER NOT NULL,           -- ticks from the boot to the process's start
            version TEXT NOT NULL,
            started_at TEXT NOT NULL,        -- ISO 8601, UTC
            seen_at TEXT NOT NULL,           -- it certainly still ran then
            ended_at TEXT,                   -- NULL while it runs, or after an end without notice
            ended TEXT NOT NULL              -- how
        )""")
    # What others are told to forget that hold it in memory.
    db.execute("""
        CREATE TABLE forgotten (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            before TEXT NOT NULL,            -- day, ISO 8601; '' for all
            asked_at TEXT NOT NULL           -- ISO 8601, UTC
        )""")
