"""Who agreed to be cloned, and when: no sample without it. What is recorded stays when the sample goes, as proof."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import sqlite_utils

from assistant.personalities.kinds import one_line
from assistant.samples.errors import ConsentMissing

LONGEST = 500
"""Characters."""

REPLACED, WITHDRAWN = "replaced", "withdrawn"
"""Why a consent ended: another sample took the place of this one; or it was removed, with or without its owner."""

REMEDY = 'Say who agreed and when: --consent "Ann Smith, in writing, 2026-03-02"'


def worded(text: str) -> str:
    """The consent as it is recorded. Raises ``ConsentMissing``."""
    try:
        consent = one_line(text.strip())
    except ValueError as error:
        raise ConsentMissing(f"The consent {error}.", remedy=REMEDY) from error
    if not any(unicodedata.category(character)[0] in "LN" for character in consent):
        raise ConsentMissing("Nobody's consent to be cloned is given.", remedy=REMEDY)
    if len(consent) > LONGEST:
        raise ConsentMissing(f"The consent has {len(consent)} characters; at most {LONGEST} are kept.", remedy=REMEDY)
    return consent


def record(db: sqlite_utils.Database, who: tuple[str, str], consent: str, digest: str, now: datetime) -> None:
    """Note a consent to a sample of a personality (tenant, id); an earlier one of it ends as replaced."""
    end(db, who, REPLACED, now)
    db.execute(
        "INSERT INTO voice_consents (tenant, personality_id, consent, sample_sha256, given_at) VALUES (?, ?, ?, ?, ?)",
        [*who, consent, digest, _moment(now)],
    )


def end(db: sqlite_utils.Database, who: tuple[str, str], reason: str, now: datetime) -> None:
    """The consents to a personality's samples end."""
    db.execute(
        "UPDATE voice_consents SET ended_at = ?, ended_by = ? "
        "WHERE tenant = ? AND personality_id = ? AND ended_at IS NULL",
        [_moment(now), reason, *who],
    )


def given(db: sqlite_utils.Database) -> dict[tuple[str, str], str]:
    """Consents that are in force: the sample's digest by (tenant, personality id)."""
    rows = db.execute("SELECT tenant, personality_id, sample_sha256 FROM voice_consents WHERE ended_at IS NULL")
    return {(tenant, personality): digest for tenant, personality, digest in rows.fetchall()}


def ended(db: sqlite_utils.Database, tenant: str, personality: str = "") -> set[str]:
    """Digests of the samples to which a consent has ended and none is in force, of one personality or of all."""
    rows = db.execute(
        "SELECT sample_sha256 FROM voice_consents AS ended WHERE tenant = ? AND (? = '' OR personality_id = ?) "
        "AND NOT EXISTS (SELECT 1 FROM voice_consents AS other "
        "WHERE other.sample_sha256 = ended.sample_sha256 AND other.ended_at IS NULL)",
        [tenant, personality, personality],
    )
    return {digest for (digest,) in rows.fetchall()}


def _moment(now: datetime) -> str:
    return now.astimezone(UTC).isoformat(timespec="seconds")
