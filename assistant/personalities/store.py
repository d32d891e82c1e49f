"""The personalities of one shop in the database. Each call is one transaction: done as a whole or not at all."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlite_utils

from assistant.personalities import rows
from assistant.personalities.built_in import built_in_documents
from assistant.personalities.document import PersonalityDocument, parse
from assistant.personalities.errors import PersonalityConflict, PersonalityError, PersonalityInvalid
from assistant.personalities.kinds import folded
from assistant.personalities.lookup import find
from assistant.personalities.rows import Stored
from assistant.personalities.wake_words import WakeWords
from assistant.storage.database import Database

Document = Mapping[str, Any]
"""A personality as YAML or JSON gives it."""

GIVEN_BY_PROGRAM = ("id", "tenant", "created_at", "updated_at")
"""Keys that no change touches."""

MOST = 100
"""Personalities that a shop can have."""


class PersonalityStore:
    """Lists and changes them. ``who`` is always an id, the beginning of one, or a name.

    All raise ``StorageError``; where a personality is named ``PersonalityMissing``; where one is written
    ``PersonalityInvalid`` and ``PersonalityConflict``.
    """

    def __init__(
        self,
        database: Database,
        tenant: str,
        wake_words: WakeWords | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Without ``wake_words`` any wake word is taken as it is."""
        self._database = database
        self._tenant = tenant
        self._wake_words = wake_words
        self._now = now

    async def first(self) -> None:
        """Make the first three where the shop has none, and have one active where none is."""
        await self._database.write(self._first)

    async def everyone(self) -> list[Stored]:
        """All, oldest first."""
        return await self._database.read(self._all)

    async def get(self, who: str) -> Stored:
        """One of them."""
        return await self._database.read(lambda db: self._found(db, who))

    async def active(self) -> Stored | None:
        """Who speaks; None where the shop has no personality."""
        return next((one for one in await self.everyone() if one.active), None)

    async def state(self) -> tuple[list[Stored], int, bool]:
        """All, how often the active one was switched, and whether the last switch takes effect at once."""
        return await self._database.read(lambda db: (self._all(db), *self._switch(db)[1:]))

    async def add(self, document: Document) -> Stored:
        """A new one. Its id is given here unless the document brings one."""
        return await self._database.write(lambda db: self._add(db, document))

    async def change(
        self, who: str, edit: Callable[[dict[str, Any]], Document], also: Callable[[Any, Stored], None] | None = None
    ) -> Stored:
        """What ``edit`` makes of what stands there, read and written in one transaction.

        What the voice has counted (``voice_config.stats``) stays whatever ``edit`` does, and a ``voice_config`` that it
        leaves alone stays as it stands, with its mistakes. ``also`` is done in the same transaction, with the database
        and the personality as it was.
        """

        def both(db: sqlite_utils.Database) -> Stored:
            before = self._found(db, who)
            after = self._change(db, before, edit)
            if also is not None:
                also(db, before)
            return after

        return await self._database.write(both)

    async def remove(self, who: str) -> Stored:
        """Take it away; neither the active one nor the last one can be."""
        return await self._database.write(lambda db: self._remove(db, who))

    async def use(self, who: str, *, at_once: bool = False) -> tuple[Stored, int]:
        """Have it speak from the next turn, or at once; with the number of this switch."""
        return await self._database.write(lambda db: self._use(db, who, at_once))

    async def put_all(self, documents: Sequence[Document], *, replace: bool) -> list[tuple[Stored, bool]]:
        """Several at once: new ones and, with ``replace``, others in place of those of the same id or name.

        With each is told whether it is new. All of them or none.
        """

        def put(db: sqlite_utils.Database) -> list[tuple[Stored, bool]]:
            done = []
            for document in documents:
                try:
                    done.append(self._put(db, document, replace))
                except PersonalityError as error:
                    if len(documents) == 1:
                        raise
                    raise error.of(str(document.get("name", ""))) from error
            return done

        return await self._database.write(put)

    def _all(self, db: sqlite_utils.Database) -> list[Stored]:
        """All of the shop; one is active even where the note of it was lost."""
        found = list(
            db.query("SELECT * FROM ai_personalities WHERE tenant = ? ORDER BY created_at, rowid", [self._tenant])
        )
        active = self._switch(db)[0]
        if found and active not in (row["id"] for row in found):
            active = found[0]["id"]
        return [rows.read(row, active=row["id"] == active) for row in found]

    def _switch(self, db: sqlite_utils.Database) -> tuple[str, int, bool]:
        """Id of the active one, number of switches, and whether the last one takes effect at once."""
        for row in db.query("SELECT * FROM active_personality WHERE tenant = ?", [self._tenant]):
            return str(row["personality_id"]), int(row["switches"]), bool(row["at_once"])
        return "", 0, False

    def _found(self, db: sqlite_utils.Database, who: str) -> Stored:
        everyone = self._all(db)
        wanted = find([one.document for one in everyone], who)
        return next(one for one in everyone if one.document is wanted)

    def _first(self, db: sqlite_utils.Database) -> None:
        if not self._all(db):
            for document in built_in_documents():
                self._add(db, document)
        if not self._switch(db)[0]:
            self._use(db, self._all(db)[0].document.id, at_once=False)

    def _add(self, db: sqlite_utils.Database, document: Document) -> Stored:
        now = self._now()
        identity = str(document.get("id") or uuid.uuid4())
        try:
            identity = str(uuid.UUID(identity))
        except ValueError as error:
            raise PersonalityInvalid(
                "id: must be a UUID.", remedy="Leave it out: it is given by the program."
            ) from error
        given = {"id": identity, "tenant": self._tenant, "created_at": now, "updated_at": now}
        new = parse({**document, **given})
        everyone = self._all(db)
        if len(everyone) >= MOST:
            raise PersonalityConflict(
                f"There are {MOST} personalities already.", remedy="Remove one that nobody needs."
            )
        self._check(new, everyone, wake_word_before="")
        if db.execute("SELECT 1 FROM ai_personalities WHERE id = ?", [new.id]).fetchone():
            raise PersonalityConflict(f"The id {new.id} is taken.", remedy="Leave it out: a new one is given.")
        db.table("ai_personalities").insert(rows.row_of(new))
        return self._found(db, new.id)

    def _change(self, db: sqlite_utils.Database, stored: Stored, edit: Callable[[dict[str, Any]], Document]) -> Stored:
        raw = dict(stored.raw)
        edited = {**edit(dict(raw)), **{key: raw[key] for key in GIVEN_BY_PROGRAM if key in raw}}
        edited["updated_at"] = self._now()
        voice = edited.setdefault("voice_config", {})
        voice_stays = voice == raw.get("voice_config", {})
        if voice_stays:
            edited["voice_config"] = stored.document.voice_config.model_dump()
        elif isinstance(voice, Mapping):
            edited["voice_config"] = {**voice, "stats": stored.document.voice_config.stats.model_dump()}
        new = parse(edited)
        others = [one for one in self._all(db) if one.document.id != new.id]
        self._check(new, others, wake_word_before=stored.document.wake_word)
        values = rows.row_of(new)
        if voice_stays:
            del values["voice_config"]
        db.table("ai_personalities").update(new.id, values)
        return self._found(db, new.id)

    def _check(self, new: PersonalityDocument, others: Sequence[Stored], *, wake_word_before: str) -> None:
        """Whether it fits with the others."""
        for one in others:
            other = one.document
            if folded(other.name) == folded(new.name):
                raise PersonalityConflict(f"name: there is a personality {other.name!r} already.")
            if new.wake_word and other.wake_word == new.wake_word != wake_word_before:
                raise PersonalityConflict(f"wake_word: {new.wake_word!r} belongs to {other.name!r}.")
        if self._wake_words is not None and new.wake_word and new.wake_word != wake_word_before:
            self._wake_words.check(new.wake_word, {one.document.wake_word for one in others} - {""})

    def _remove(self, db: sqlite_utils.Database, who: str) -> Stored:
        gone = self._found(db, who)
        if len(self._all(db)) == 1:
            raise PersonalityConflict(f"{gone.document.name} is the only personality; somebody must speak.")
        if gone.active:
            raise PersonalityConflict(
                f"{gone.document.name} is the active personality.",
                remedy="Have another one speak first: assistant personality use ID",
            )
        db.table("ai_personalities").delete(str(gone.raw["id"]))
        return gone

    def _use(self, db: sqlite_utils.Database, who: str, at_once: bool) -> tuple[Stored, int]:
        wanted = str(self._found(db, who).raw["id"])
        number = self._switch(db)[1] + 1
        db.execute(
            "INSERT INTO active_personality (tenant, personality_id, at_once, switches) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (tenant) DO UPDATE SET personality_id = excluded.personality_id, at_once = excluded.at_once, "
            "switches = excluded.switches",
            [self._tenant, wanted, int(at_once), number],
        )
        return self._found(db, wanted), number

    def _put(self, db: sqlite_utils.Database, document: Document, replace: bool) -> tuple[Stored, bool]:
        new = parse({"id": "new", **document, "tenant": self._tenant})
        everyone = self._all(db)
        same = [one for one in everyone if one.document.id == new.id or folded(one.document.name) == folded(new.name)]
        if not same:
            return self._add(db, document), True
        if not replace:
            raise PersonalityConflict(
                f"There is a personality {same[0].document.name!r} already ({same[0].document.id}).",
                remedy="Use --replace to put the new one in its place.",
            )
        if len(same) > 1:
            raise PersonalityConflict(f"{new.name!r} has the id of one personality and the name of another one.")
        return self._change(db, same[0], lambda stored: _in_its_place(document, stored)), False


def _in_its_place(document: Document, stored: Document) -> dict[str, Any]:
    """An imported document, with the sample of the one that it replaces unless it brings its own."""
    sample = ("voice_sample_url", "voice_sample_duration", "uploaded_at")
    kept = stored.get("voice_config")
    new = {key: value for key, value in document.items() if key not in GIVEN_BY_PROGRAM}
    voice = dict(new.get("voice_config") or {})
    if isinstance(kept, Mapping) and not any(voice.get(key) for key in sample):
        voice |= {key: kept[key] for key in sample if key in kept}
    return {**new, "voice_config": voice}
