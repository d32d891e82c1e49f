"""What Google's client library reports, in our words. Its messages may hold what was to be said, so none is kept."""

from __future__ import annotations

from pipeline.errors import ProviderError, ProviderTimeout

REMEDIES: dict[str, tuple[str, str, bool]] = {
    "UNAUTHENTICATED": ("does not accept the credentials", "Is the key still valid? See docs/cloud.md.", False),
    "PERMISSION_DENIED": (
        "does not allow it",
        "Is the Text-to-Speech API switched on for the project, and may the service account use it?",
        False,
    ),
    "RESOURCE_EXHAUSTED": ("has had too many requests", "Look at the project's quotas at Google.", True),
    "INVALID_ARGUMENT": ("does not take the request", "Is the voice's name right? See docs/cloud.md.", False),
    "NOT_FOUND": ("does not know the voice", "Is the voice's name right? See docs/cloud.md.", False),
    "UNAVAILABLE": ("cannot be reached", "Is there a connection to the internet?", True),
}
"""By gRPC status: what happened, what to do, whether trying again may help."""

UNBILLED = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "INVALID_ARGUMENT", "NOT_FOUND"})
"""Statuses with which nothing was spoken, so nothing is billed. A connection that broke may have been billed."""


def status_of(error: Exception) -> str:
    """Name of the gRPC status, "" where there is none."""
    code = getattr(error, "grpc_status_code", None)
    return str(code.name) if code is not None else ""


def unbilled(error: Exception) -> bool:
    """Whether the call was certainly not billed."""
    from google.auth.exceptions import GoogleAuthError

    return isinstance(error, GoogleAuthError) or status_of(error) in UNBILLED


def translated(error: Exception, voice: str, time_limit_s: float) -> ProviderError:
    """A library's error in our words."""
    from google.auth.exceptions import GoogleAuthError, TransportError

    status = status_of(error)
    if isinstance(error, TransportError):
        status = "UNAVAILABLE"
    elif isinstance(error, GoogleAuthError):
        status = "UNAUTHENTICATED"
    if status == "DEADLINE_EXCEEDED":
        return ProviderTimeout(f"Google's voice {voice} did not answer within {time_limit_s:g} s.")
    what, remedy, retryable = REMEDIES.get(status, ("failed", "It is Google's fault; it is tried again later.", True))
    return ProviderError(
        f"Google's speech service {what} (voice {voice}, status {status or type(error).__name__}).",
        remedy=remedy,
        retryable=retryable,
    )
