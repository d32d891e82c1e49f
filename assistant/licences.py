"""Which models may be used here: their licences against what the assistant is used for."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from assistant.models.catalogue import Catalogue, Licence, Model
from assistant.models.store import ModelStore
from assistant.sections import DeploymentSection
from pipeline.errors import LicenceRefused

log = logging.getLogger(__name__)


class Verdict(StrEnum):
    """What a licence says to the use that ``deployment.use`` names."""

    ALLOWED = "allowed"
    """It may be used."""
    HELD = "held"
    """It may be used because the owner says to hold another licence (``deployment.licences_held``)."""
    UNCLEAR = "unclear"
    """Nobody says clearly whether a shop may use it; it is used, and the owner should ask."""
    REFUSED = "refused"
    """It is not used."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict on one model."""

    verdict: Verdict
    reason: str = ""
    """Why it is refused or unclear, a sentence."""
    remedy: str = ""
    """What to use instead, and what the owner can set."""

    @property
    def refused(self) -> bool:
        """Whether the model may not be used."""
        return self.verdict is Verdict.REFUSED


def judge(model: Model, deployment: DeploymentSection, catalogue: Catalogue) -> Judgement:
    """Whether a catalogued model may be used here."""
    licence, in_shop = model.licence, deployment.use == "commercial"
    held = model.name in deployment.licences_held
    if in_shop and licence.commercial == "no" and not held:
        return Judgement(
            Verdict.REFUSED,
            f"The licence of {model.name}, {licence.name}, does not allow commercial use (deployment.use).",
            f"{_sentence(alternative(model, catalogue))}If you hold a licence that allows it, add {model.name} to "
            "deployment.licences_held.",
        )
    if unaccepted := terms_to_accept(model, deployment):
        return unaccepted
    if not in_shop or licence.commercial == "yes":
        return Judgement(Verdict.ALLOWED)
    if held:
        return Judgement(Verdict.HELD)
    return Judgement(Verdict.UNCLEAR, f"Whether a shop may use {model.name} is unclear: {licence.note}.")


def terms_to_accept(model: Model, deployment: DeploymentSection) -> Judgement | None:
    """A refusal where the owner must accept a model's terms, even to fetch it, and has not done so."""
    licence = model.licence
    if not licence.accept or getattr(deployment, licence.accept):
        return None
    return Judgement(
        Verdict.REFUSED,
        f"{model.name} is only for those who accept the {licence.name} ({licence.terms}).",
        f"Read {licence.url}; to accept it set deployment.{licence.accept}: true.",
    )


def alternative(model: Model, catalogue: Catalogue) -> str:
    """What a shop may use in place of a model, as advice; "" where nothing is known."""
    free = catalogue.free_for_shops(model)
    if not free:
        return model.licence.instead
    best = free[0]
    source = "it comes with the program" if best.bundled else f"assistant models pull {best.name}"
    if best.engine and best.engine != model.engine:
        source = f"{best.engine}, then {source}"
    return f"use {best.name} ({best.licence.name}; {source})"


def judge_licence(licence: Licence | None, deployment: DeploymentSection) -> Verdict:
    """The verdict on what has a licence but is no model of the catalogue: a program in use."""
    if deployment.use != "commercial" or (licence is not None and licence.commercial == "yes"):
        return Verdict.ALLOWED
    return Verdict.UNCLEAR


def _sentence(advice: str) -> str:
    return f"{advice[0].upper()}{advice[1:]}. " if advice else ""


class LicensedModels:
    """A ``ModelFolder`` in which models that may not be used here cannot be found.

    Models that are not in the catalogue are the owner's own, and the owner's business.
    """

    def __init__(self, store: ModelStore, deployment: DeploymentSection) -> None:
        self._store = store
        self._deployment = deployment
        self.asked: set[str] = set()
        """Names of the models that somebody wanted to use so far, refused ones included."""

    def judgement(self, name: str) -> Judgement:
        """Whether a model may be used here, whether it is on this machine or not."""
        if name not in self._store.catalogue:
            return Judgement(Verdict.ALLOWED)
        return judge(self._store.catalogue.get(name), self._deployment, self._store.catalogue)

    def path(self, name: str) -> Path:
        """Folder of a model that is here and may be used. Raises ``ModelMissing`` or ``LicenceRefused``."""
        self.permit(name)
        return self._store.path(name)

    def present(self, kind: str) -> list[str]:
        """Names of the present models of a kind that may be used: best first, those of unclear licence last."""
        verdicts = {name: self.judgement(name).verdict for name in self._store.present(kind)}
        usable = [name for name, verdict in verdicts.items() if verdict is not Verdict.REFUSED]
        return sorted(usable, key=lambda name: verdicts[name] is Verdict.UNCLEAR)

    def fingerprint(self, name: str) -> str:
        """Hash of what makes up a present model. Raises as ``path`` does."""
        self.permit(name)
        return self._store.fingerprint(name)

    def licence(self, name: str) -> str:
        """Licence of a catalogued model, "" where unknown."""
        return self._store.licence(name)

    def permit(self, name: str) -> None:
        """Raises ``LicenceRefused`` where a model may not be used here, wherever its files are."""
        judgement = self.judgement(name)
        if judgement.verdict is Verdict.UNCLEAR and name not in self.asked:
            log.warning("%s", judgement.reason)
        self.asked.add(name)
        if judgement.refused:
            raise LicenceRefused(judgement.reason, remedy=judgement.remedy)
