"""Where samples lie, and those that are fetched from a web server once and then lie here too."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import tempfile
import time
from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from assistant.samples.address import SampleAddress, address_of, new_address, own_address
from assistant.samples.download import Downloader
from assistant.samples.errors import SampleError, SampleMissing
from assistant.samples.folders import UNFINISHED, LocalFolder, SampleFolder
from assistant.samples.intake import Intake
from assistant.samples.wav_file import digest, seconds
from providers.model_worker import ModelWorker

log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE_S = 30.0
"""Seconds of the clock for one file: a store elsewhere may be slow, but nobody waits for ever."""

STRAY_S = 3600.0
"""Age in seconds from which a file that no personality names is a leftover; a younger one may be on its way in."""

FETCHED = "fetched"
"""Stands for the tenant of what was fetched, in a folder of its own."""


class SampleStore:
    """A ``providers.registry.VoiceSamples``, and what taking samples in and removing them needs.

    An async context manager. All raise ``SampleError``.
    """

    def __init__(
        self,
        folder: SampleFolder,
        fetched: Path,
        downloader: Downloader | None = None,
        *,
        patience_s: float = PATIENCE_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``fetched`` holds what came from web servers; without a ``downloader`` nothing is fetched.

        ``now`` gives Unix seconds.
        """
        self.folder = folder
        self._fetched = LocalFolder(fetched)
        self._downloader = downloader
        self._patience_s = patience_s
        self._now = now
        self._intake = Intake()
        self._worker = ModelWorker("samples")
        self._fetching: dict[str, asyncio.Lock] = {}

    async def __aenter__(self) -> Self:
        """Nothing is opened before it is needed."""
        self._worker = ModelWorker("samples")
        await self._intake.__aenter__()
        if self._downloader is not None:
            await self._downloader.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the threads."""
        if self._downloader is not None:
            await self._downloader.__aexit__(kind, error, trace)
        await self._intake.__aexit__(kind, error, trace)
        self._worker.close()

    async def read(self, address: str) -> bytes:
        """A sample as a WAV file: 24 kHz, one channel, 16 bit, 6 to 30 s; as whole as it was when it was taken in."""
        if address.startswith("https:"):
            return await self._from_the_web(address)
        return await self._intact(self.folder, self._own(address))

    async def write(self, tenant: str, personality: str, content: bytes) -> SampleAddress:
        """Keep a sample; where it is there already it is written again, so that it is whole and counts as new."""
        address = new_address(tenant, personality, digest(content))
        await self._call(lambda: self.folder.write(address.path, content))
        return address

    async def exists(self, address: str) -> bool:
        """Whether there is a file at one of the store's own addresses."""
        path = self._own(address).path
        return await self._call(lambda: self.folder.exists(path))

    async def remove(self, address: str) -> bool:
        """Delete a sample; whether there was one. Of a web address: what was fetched from there."""
        if not address.startswith("https:"):
            path = self._own(address).path
            return await self._call(lambda: self.folder.remove(path))
        kept = await self._kept(address)
        for one in kept:
            await self._call(lambda path=one.path: self._fetched.remove(path))  # type: ignore[misc]
        return bool(kept)

    async def digests(self, address: str) -> set[str]:
        """Digests of the files that belong to an address: one or, of what was never fetched, none."""
        if address.startswith("https:"):
            return {one.digest for one in await self._kept(address)}
        own = own_address(address, self.folder.name)
        return {own.digest} if own is not None else set()

    async def strays(self, named: Collection[str]) -> list[str]:
        """Delete files that were left behind more than an hour ago and that no address of ``named`` means.

        Nothing is deleted from a store that other machines may use too: they know what is theirs. The paths.
        """
        before_s = self._now() - STRAY_S
        marks = {_mark(one) for one in named}

        def fetched() -> list[str]:
            return _removed(self._fetched, before_s, lambda address: address.personality in marks)

        def uploaded() -> list[str]:
            kept = {own.path for one in named if (own := own_address(one, self.folder.name)) is not None}
            return _removed(self.folder, before_s, lambda address: address.path in kept)

        return [*await self._call(fetched), *([] if self.folder.shared else await self._call(uploaded))]

    def _own(self, address: str) -> SampleAddress:
        own = own_address(address, self.folder.name)
        if own is None:
            raise SampleMissing(
                f"{address[:200]!r} is not the address of a voice sample.",
                remedy="Addresses are given by the program: assistant voice upload ID FILE --consent TEXT",
            )
        return own

    async def _intact(self, folder: SampleFolder, address: SampleAddress) -> bytes:
        content = await self._call(lambda: folder.read(address.path))
        if digest(content) != address.digest or seconds(content) is None:
            raise SampleMissing(
                f"The voice sample {address.path} in {folder.name} is damaged, or was exchanged by hand.",
                remedy="Upload the voice again: assistant voice upload ID FILE --consent TEXT",
            )
        return content

    async def _from_the_web(self, url: str) -> bytes:
        """Fetched once; from then on it is the same voice whatever the server has."""
        lock = self._fetching.setdefault(url, asyncio.Lock())
        async with lock:
            for address in await self._kept(url):
                return await self._intact(self._fetched, address)
            if self._downloader is None:
                raise SampleError(
                    "The voice sample lies on a web server, and nothing may be fetched from there.",
                    remedy="Upload the recording: assistant voice upload ID FILE --consent TEXT",
                )
            with tempfile.TemporaryFile() as file:
                await self._downloader.fetch(url, file)
                file.flush()
                sample = await self._intake.take(file)
            address = SampleAddress(FETCHED, _mark(url), sample.digest)
            await self._call(lambda: self._fetched.write(address.path, sample.wav))
            log.info("A voice sample was fetched (%.1f s).", sample.duration_s)
            return sample.wav

    async def _kept(self, url: str) -> list[SampleAddress]:
        """What was fetched from a web address."""
        folder = f"{FETCHED}/{_mark(url)}/"
        paths = await self._call(lambda: self._fetched.old(float("inf")))
        found = [address_of(path) for path in paths if path.startswith(folder)]
        return [one for one in found if one is not None]

    async def _call(self, work: Callable[[], T]) -> T:
        """Have a folder do something on the thread."""
        limit = asyncio.timeout(self._patience_s)
        try:
            async with limit:
                return await self._worker.run(lambda _: work())
        except TimeoutError as error:
            if not limit.expired():
                raise
            # The thread hangs in the call; the next one gets another thread.
            self._worker.close(0)
            self._worker = ModelWorker("samples")
            raise SampleError(
                f"Voice samples in {self.folder.name} did not answer for {self._patience_s:g} seconds.",
                remedy="Look at the network, or at the disk (dmesg).",
            ) from error


def _removed(folder: SampleFolder, before_s: float, wanted: Callable[[SampleAddress], bool]) -> list[str]:
    """Delete old files that are unfinished or not wanted; those that are none of ours stay. Blocks."""
    gone = []
    for path in folder.old(before_s):
        address = address_of(path)
        leftover = path.endswith(UNFINISHED) if address is None else not wanted(address)
        if leftover and folder.remove(path):
            gone.append(path)
    return gone


def _mark(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
