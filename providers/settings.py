"""What every provider's settings share."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class ProviderSettings(BaseModel):
    """Frozen; unknown keys are refused. Each provider module derives its own ``Settings`` from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_section(cls, given: Any) -> Any:
        """A section in which every line is commented out reads as null and means: all defaults."""
        return {} if given is None else given
