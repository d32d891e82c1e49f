"""Which models may be used here: their licences against what the assistant is used for."""

from __future__ import annotations

from pathlib import Path

from assistant.models.store import ModelStore
from assistant.settings import DeploymentSection


class LicensedModels:
    """A ``ModelFolder`` in which models that may not be used here cannot be found."""

    def __init__(self, store: ModelStore, deployment: DeploymentSection) -> None:
        self._store = store
        self._deployment = deployment

    def path(self, name: str) -> Path:
        """Folder of a model that is here and may be used. Raises ``ModelMissing`` or ``LicenceRefused``."""
        return self._store.path(name)

    def present(self, kind: str) -> list[str]:
        """Names of the present models of a kind that may be used, best first."""
        return self._store.present(kind)

    def fingerprint(self, name: str) -> str:
        """Hash of what makes up a present model."""
        return self._store.fingerprint(name)

    def licence(self, name: str) -> str:
        """Licence of a catalogued model, "" where unknown."""
        return self._store.licence(name)
