"""What a synthesizer needs of a voice worker, wherever it runs."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from providers.tts.voice_worker.listening import Address
from providers.tts.voice_worker.messages import WorkerState


class VoiceWorker(Protocol):
    """Knows whether its engine can speak, and has it started where it cannot."""

    @property
    def state(self) -> WorkerState | None:
        """As it last told, loaded; None before the first time."""
        ...

    def address(self) -> Address:
        """Where it can be asked at once. Raises ``NotReady`` where it has to be started first, which it then is, and
        ``ProviderError`` where it could not be."""
        ...

    async def loaded(self) -> None:
        """Return when it can speak; may take minutes, and giving up waiting does not stop it. Raises ``ProviderError``
        where it cannot be started."""
        ...

    def in_use(self) -> AbstractContextManager[None]:
        """While somebody uses it, it does not count as idle."""
        ...

    def learn(self, state: WorkerState) -> None:
        """What it told of itself on some connection."""
        ...
