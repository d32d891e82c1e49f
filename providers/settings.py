"""What every provider's settings share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ProviderSettings(BaseModel):
    """Frozen; unknown keys are refused. Each provider module derives its own ``Settings`` from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
