"""Makes the store of samples, and all that changes voices, of the settings."""

from __future__ import annotations

from pathlib import Path

from assistant.personalities.store import PersonalityStore
from assistant.samples.download import Downloader
from assistant.samples.errors import SampleError
from assistant.samples.folders import SampleFolder, sample_folder
from assistant.samples.store import SampleStore
from assistant.samples.traces import TraceFiles
from assistant.samples.voices import Voices
from assistant.samples.wishes import CLONES
from assistant.settings import Settings
from assistant.storage.audio_files import AudioFiles
from assistant.storage.database import Database
from pipeline.routing import Cloud
from providers.tts.cloning.settings import CloningSettings

ON_THIS_MACHINE = "memory://"


def sample_store(settings: Settings, folder: Path) -> SampleStore:
    """Where samples lie, not yet entered; ``folder`` is that of ``config.yaml``."""
    section, data = settings.samples, folder / settings.storage.folder
    never = settings.deployment.cloud is Cloud.NEVER
    where = sample_folder(section.folder, folder)
    if never and where.shared and not section.folder.startswith(ON_THIS_MACHINE):
        where = ForbiddenFolder(where.name)
    downloader = None if never or not section.hosts else Downloader(section.hosts, section.max_upload_mb * 1_000_000)
    return SampleStore(where, data / "fetched-voices", downloader)


def voices(
    settings: Settings,
    folder: Path,
    database: Database,
    personalities: PersonalityStore,
    samples: SampleStore,
    *,
    tenant: str = "",
) -> Voices:
    """What changes voices, not yet entered; ``samples`` is entered already.

    ``tenant`` is the shop whose personalities these are, that of the settings where it is empty.
    """
    data, cache = folder / settings.storage.folder, settings.cache
    chosen = settings.tts.chosen() if settings.deployment.cloud is not Cloud.NEVER else []
    elsewhere = [(name, one.url) for name, one in chosen if isinstance(one, CloningSettings) and one.url]
    sentences = AudioFiles(
        database, data / "speech", keep_s=cache.keep_hours * 3600, max_bytes=cache.max_mb * 1_000_000
    )
    return Voices(
        personalities,
        database,
        samples,
        TraceFiles(data / "latents", sentences, elsewhere),
        tenant=tenant or settings.deployment.tenant,
        lock=data / "voices.lock",
        engine=next((name for name, _ in settings.tts.chosen() if name in CLONES), CLONES[0]),
        most_bytes=settings.samples.max_upload_mb * 1_000_000,
    )


class ForbiddenFolder(SampleFolder):
    """A store elsewhere where ``deployment.cloud: never`` is set."""

    shared = True

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, path: str) -> bytes:
        """Refuse."""
        raise self._forbidden()

    def write(self, path: str, content: bytes) -> None:
        """Refuse."""
        raise self._forbidden()

    def exists(self, path: str) -> bool:
        """Refuse."""
        raise self._forbidden()

    def remove(self, path: str) -> bool:
        """Refuse."""
        raise self._forbidden()

    def old(self, before_s: float) -> list[str]:
        """Refuse."""
        raise self._forbidden()

    def _forbidden(self) -> SampleError:
        return SampleError(
            f"Voice samples lie in {self.name}, and deployment.cloud: never lets no packet leave this machine.",
            remedy="Set samples.folder to a folder of this machine and upload the voices again.",
        )
