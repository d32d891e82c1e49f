"""Figures that are read of the running parts when Prometheus asks."""

from __future__ import annotations

from collections.abc import Iterable

from assistant.http.service import Service
from providers.model_worker import busy_workers

Series = Iterable[tuple[dict[str, str], float]]


def tell_metrics(service: Service) -> None:
    """Have the metrics read what the parts know."""
    parts, metrics = service.parts, service.metrics

    def up() -> Series:
        for voice in parts.engines:
            name = voice.capabilities.name
            working = voice.failure is None and not parts.voice.health.failing(name, None)
            yield {"stage": "tts", "provider": name}, float(working)
        for recogniser in parts.recognisers:
            name = recogniser.capabilities.name
            working = recogniser.failure is None and not parts.transcriber.health.failing(name, None)
            yield {"stage": "stt", "provider": name}, float(working)

    def age() -> Series:
        age_s = service.last_frame_s()
        return [] if age_s is None else [({}, age_s)]

    parts.microphone.tap(metrics.gaps(service.app.clock))
    metrics.read("provider_up", "Whether a provider works", up)
    metrics.read("last_audio_frame_age_seconds", "Since sound came from the microphone", age)
    metrics.read("stage_busy_seconds", "For how long a thread has been in its call", _busy)
    metrics.read(
        "dropped_audio_seconds_total", "Sound that was lost because the machine was too busy",
        lambda: [({}, parts.microphone.dropped_s)], counter=True,
    )  # fmt: skip
    metrics.read("preparations", "Transcriptions begun at a pause", lambda: _preparations(service), counter=True)
    metrics.read("cache_bytes", "Spoken sentences on the disk", lambda: [({}, service.stored.stock.size_bytes)])
    metrics.read("cache_entries", "Spoken sentences on the disk", lambda: [({}, service.stored.stock.entries)])
    metrics.read(
        "quota_characters", "Spent of a cloud voice's free amount this month", lambda: _quota(service, "characters")
    )
    metrics.read("quota_limit_characters", "The free amount", lambda: _quota(service, "limit"))


def _busy() -> Series:
    return [({"thread": name}, busy_s) for name, busy_s in sorted(busy_workers().items())]


def _preparations(service: Service) -> Series:
    account = service.parts.conversation.account
    yield {"outcome": "used"}, float(account.used)
    yield {"outcome": "vain"}, float(account.begun - account.used)


def _quota(service: Service, what: str) -> Series:
    for row in service.stored.quota:
        yield {"provider": row["provider"], "voice_class": row["voice_class"]}, float(row[what])
