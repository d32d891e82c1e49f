"""What can be set about how the assistant looks after itself."""

from __future__ import annotations

from pydantic import Field

from providers.settings import ProviderSettings


class UpkeepSection(ProviderSettings):
    """How the assistant looks after itself."""

    memory_mb: int | None = Field(None, ge=200, le=4_000_000)
    """Memory (MB) from which it starts anew as soon as nobody has spoken for a while. It must be well above what it
    needs: 300 MB, and the size of Whisper's model. `null` takes half of what the machine or the service may use."""
    quiet_s: float = Field(60.0, ge=0, le=3600)
    """How long nobody must have spoken before it starts anew; at one and a half times ``memory_mb`` the first moment
    between two conversations will do."""
