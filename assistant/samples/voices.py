"""Gives personalities the voice of a sample and takes it away; for the command line and HTTP alike."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import sqlite_utils

from assistant.personalities.rows import Stored
from assistant.personalities.store import PersonalityStore
from assistant.samples import consent as consents
from assistant.samples.address import SampleAddress, new_address
from assistant.samples.arrival import opened_recording
from assistant.samples.errors import SampleError, SampleMissing
from assistant.samples.intake import Intake, Sample
from assistant.samples.naming import named
from assistant.samples.quality import Quality
from assistant.samples.store import SampleStore
from assistant.samples.traces import TraceFiles, Traces
from assistant.samples.turns import turn
from assistant.samples.wishes import CLONES, sample_of, with_sample, without_sample
from assistant.storage.database import Database
from assistant.storage.errors import StorageError, StorageStuck
from pipeline.speech import sample_digest, sample_mark

log = logging.getLogger(__name__)

Who = tuple[str, str]
"""Tenant and id of a personality."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A personality has a voice of its own."""

    personality: Stored
    """As it is now."""
    address: str
    """Where the sample lies, as ``voice_sample_url`` has it."""
    digest: str
    """SHA-256 of the sample's file, hexadecimal."""
    duration_s: float
    """Length of the sample in seconds."""
    quality: Quality
    replaced: Traces
    """What was deleted of the sample that it had before."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A personality has no voice of its own any more."""

    personality: Stored
    """As it is now; as it was, where it is gone itself."""
    traces: Traces
    """What was deleted."""


class Voices:
    """An async context manager around what one shop's voices are made of.

    All raise ``SampleError``, ``StorageError``, and what ``PersonalityStore`` raises.
    """

    def __init__(
        self,
        personalities: PersonalityStore,
        database: Database,
        samples: SampleStore,
        traces: TraceFiles,
        *,
        tenant: str,
        lock: Path,
        engine: str = CLONES[0],
        most_bytes: int = 50_000_000,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``samples`` is entered by whoever made it. ``lock`` is a file that all processes on this machine share.
        ``engine`` is to speak for personalities that name none that clones."""
        self._personalities = personalities
        self._database = database
        self._samples = samples
        self._traces = traces
        self._tenant = tenant
        self._lock = lock
        self._engine = engine
        self._most_bytes = most_bytes
        self._now = now
        self._intake = Intake()
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Nothing is loaded before it is needed."""
        self._traces.open()
        self._open.callback(self._traces.close)
        await self._open.enter_async_context(self._intake)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the threads."""
        await self._open.aclose()

    async def upload(self, who: str, file: Path | BinaryIO, consent: str) -> Uploaded:
        """Take in a recording as a personality's voice, in place of the one it has.

        ``consent`` says who agreed and when. Where this raises, the personality is as it was and no file remains.
        Raises also ``SampleRefused``, ``ConsentMissing`` and ``ModelError``.
        """
        agreed = consents.worded(consent)
        before = await self._personalities.get(who)
        whose = (self._tenant, before.document.id)
        new_address(*whose, "0" * 64)
        with opened_recording(file, self._most_bytes) as recording:
            sample = await self._intake.take(recording)
        async with turn(self._lock):
            address = await self._samples.write(*whose, sample.wav)
            try:
                stored, old = await self._note(before.document.id, address, sample, agreed)
            except BaseException:
                await self._take_back(str(address))
                raise
            if not await self._samples.exists(str(address)):  # somebody swept it who did not know that it was wanted
                await self._samples.write(*whose, sample.wav)
            replaced = await self._without(whose, [*old])
        return Uploaded(stored, str(address), sample.digest, sample.duration_s, sample.quality, replaced)

    async def remove(self, who: str) -> Removed:
        """Take a personality's voice away, with all that was made of it. Raises ``SampleMissing`` where it has none.

        What could not be deleted is deleted by calling it again.
        """
        async with turn(self._lock):
            stored = await self._personalities.get(who)
            whose = (self._tenant, stored.document.id)
            old = sample_of(stored)
            has = bool(old) or stored.document.voice_config.mode == "custom"
            if has:
                stored = await self._personalities.change(
                    stored.document.id,
                    without_sample,
                    lambda db, _: consents.end(db, whose, consents.WITHDRAWN, self._now()),
                )
            gone = await self._delete(whose, [old] if old else [])
        if not (has or gone):
            raise SampleMissing(f"{stored.document.name} has no voice of its own.")
        return Removed(stored, gone)

    async def forget(self, gone: Stored) -> Removed:
        """Delete the voice of a personality that was removed from the store."""
        whose = (self._tenant, gone.document.id)
        async with turn(self._lock):
            await self._database.write(lambda db: consents.end(db, whose, consents.WITHDRAWN, self._now()))
            return Removed(gone, await self._delete(whose, [sample_of(gone)] if sample_of(gone) else []))

    async def sweep(self) -> Traces:
        """Delete what a crash, a disk or a change by hand left behind: what it was. For the start of the daemon."""
        async with turn(self._lock):
            wanted, ended = await self._database.write(self._settle)
            strays = await self._samples.strays(wanted)
            gone = Traces(samples=len(strays))
            for digest in ended:
                gone += await self._forget_made({digest}, {digest}, wanted)
        return gone

    async def _note(self, who: str, address: SampleAddress, sample: Sample, consent: str) -> tuple[Stored, list[str]]:
        """The personality with the sample, and the address of the sample that it had, if any."""
        now = self._now()
        new = {
            "mode": "custom",
            "voice_sample_url": str(address),
            "voice_sample_duration": round(sample.duration_s, 2),
            "uploaded_at": now,
        }
        old: list[str] = []

        def record(db: sqlite_utils.Database, before: Stored) -> None:
            old.extend(one for one in [sample_of(before)] if one and one != str(address))
            consents.record(db, (address.tenant, address.personality), consent, sample.digest, now)

        return await self._personalities.change(who, lambda raw: with_sample(raw, new, self._engine), record), old

    async def _take_back(self, address: str) -> None:
        """Delete a new sample, unless it came to be named after all: after a time-out that is not known otherwise."""
        try:
            try:
                wanted = await self._database.write(named)  # takes its turn after what is still being written
            except StorageStuck:
                raise
            except StorageError:
                wanted = await self._database.read(named)
            if not any(address in addresses for addresses in wanted.values()):
                await self._samples.remove(address)
        except (StorageError, SampleError) as error:
            log.warning("A voice sample that is not used remains for an hour or until the next start: %s", error)

    async def _without(self, whose: Who, old: Iterable[str]) -> Traces:
        """Delete what a new sample replaced; the new one serves already, whatever happens here."""
        try:
            return await self._delete(whose, old)
        except (StorageError, SampleError) as error:
            log.warning("The voice was replaced, but the old sample cannot be deleted yet: %s", error)
            return Traces()

    async def _delete(self, whose: Who, addresses: Iterable[str]) -> Traces:
        """Delete samples of a personality and all that was made of them, also what an earlier try left behind."""
        ended = await self._database.read(lambda db: consents.ended(db, *whose))
        everything = dict.fromkeys([*addresses, *(str(SampleAddress(*whose, digest)) for digest in ended)])
        wanted = [one for ones in (await self._database.read(named)).values() for one in ones]
        gone = Traces()
        for address in everything:
            if address in wanted:
                continue
            digests = await self._samples.digests(address)
            gone += await self._forget_made(digests, {sample_mark(address), *digests}, wanted)
            if digests:
                gone += Traces(samples=int(await self._samples.remove(address)))
        return gone

    async def _forget_made(self, digests: set[str], marks: set[str], wanted: Iterable[str]) -> Traces:
        """Delete what was made of samples, unless another personality has the same recording."""
        kept = {sample_mark(address) for address in wanted}
        for address in wanted:
            kept |= await self._samples.digests(address)
        gone = Traces()
        for digest in digests - kept:
            gone += await self._traces.forget_latents(digest)
        for mark in marks - kept:
            gone += await self._traces.forget_sentences(mark)
        return gone

    def _settle(self, db: sqlite_utils.Database) -> tuple[list[str], set[str]]:
        """End consents to samples that their personality names no more; all that is named, and what has ended."""
        everyone = named(db)
        for whose, digest in consents.given(db).items():
            if whose[0] == self._tenant and digest not in map(sample_digest, everyone.get(whose, [])):
                consents.end(db, whose, consents.WITHDRAWN, self._now())
        return [one for ones in everyone.values() for one in ones], consents.ended(db, self._tenant)
