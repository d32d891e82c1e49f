"""Every route and who may use it, written by hand: a new one has to be decided on here."""

from __future__ import annotations

import re

ANYBODY = """
GET /healthz
POST /api/session
GET /api/session
"""
"""The latter tells nobody but who is signed in."""

WATCH_AND_TALK = """
DELETE /api/session
POST /api/voice/synthesize
POST /api/voice/transcribe
GET /api/voice/voices
POST /api/conversation
GET /api/audio/{key}
POST /api/listen
POST /api/stop
GET /api/status
GET /api/events
GET /v1/models
GET /v1/models/{model}
POST /v1/audio/speech
POST /v1/audio/transcriptions
"""
"""A kiosk's screen, and administrators."""

ADMINISTER = """
GET /api/admin/choices
GET /api/admin/ai-personalities
POST /api/admin/ai-personalities
GET /api/admin/ai-personalities/{id}
PUT /api/admin/ai-personalities/{id}
DELETE /api/admin/ai-personalities/{id}
POST /api/admin/ai-personalities/{id}/activate
POST /api/admin/ai-personalities/{id}/voice/upload
DELETE /api/admin/ai-personalities/{id}/voice/upload
GET /api/admin/ai-personalities/{id}/voice/sample
GET /api/admin/ai-personalities/{id}/voice
POST /api/admin/ai-personalities/{id}/voice/render
POST /api/say
GET /api/turns
GET /api/stats
GET /api/health
GET /api/incidents
GET /metrics
POST /api/models/{name}/pull
GET /api/jobs
GET /api/jobs/{id}
DELETE /api/jobs/{id}
GET /api/devices
PUT /api/devices
POST /api/soundcheck/echo
PUT /api/mute
GET /api/volume
PUT /api/volume
POST /api/restart
"""
"""Administrators only."""

THIS_MACHINE = """
POST /api/say
POST /api/listen
POST /api/stop
GET /api/events
GET /api/status
GET /api/turns
GET /api/health
GET /api/incidents
GET /metrics
POST /api/models/{name}/pull
GET /api/devices
PUT /api/devices
POST /api/soundcheck/echo
PUT /api/mute
GET /api/volume
PUT /api/volume
POST /api/restart
"""
"""Nobody of another shop."""

Route = tuple[str, str]
"""Method and path."""


def routes(*tables: str) -> list[Route]:
    return [(method, path) for table in tables for method, path in (line.split() for line in table.split("\n") if line)]


def filled(path: str, value: str = "Alex") -> str:
    """With something in the place of its parameters."""
    return re.sub(r"\{\w+\}", value, path)
