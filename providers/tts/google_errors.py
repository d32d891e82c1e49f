"""What Google's client library reports, in our words. Its messages may hold what was to be said, so none is kept.

ProviderError
├── AccessRefused       401, 403: key, project, or this machine's clock
├── RequestRefused      400, 404: mostly the name of a voice
├── TooManyRequests     429
├── Unreachable         no network, no name, refused, or cut off
├── ServiceFault        500 and whatever else
└── ProviderTimeout     no answer in time
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pipeline.errors import ProviderError, ProviderTimeout


class AccessRefused(ProviderError):
    """Who we are, or what we may do, was not accepted."""

    code = "access_refused"


class RequestRefused(ProviderError):
    """The service cannot do what was asked."""

    code = "request_refused"


class TooManyRequests(ProviderError):
    """The project's own limit at Google is reached."""

    code = "too_many_requests"


class Unreachable(ProviderError):
    """There is no connection, or it broke."""

    code = "unreachable"


class ServiceFault(ProviderError):
    """The service failed."""

    code = "service_fault"


_KINDS: dict[str, tuple[type[ProviderError], str, str, bool]] = {
    "UNAUTHENTICATED": (
        AccessRefused,
        "does not accept the credentials",
        "Is the key still valid, and is this machine's clock right? See docs/cloud.md.",
        False,
    ),
    "PERMISSION_DENIED": (
        AccessRefused,
        "does not allow it",
        "Is the Text-to-Speech API switched on for the project, and is billing set up? See docs/cloud.md.",
        False,
    ),
    "INVALID_ARGUMENT": (RequestRefused, "does not take the request", "Is the voice's name right?", False),
    "NOT_FOUND": (RequestRefused, "does not know the voice", "Is the voice's name right?", False),
    "FAILED_PRECONDITION": (RequestRefused, "does not take the request", "See docs/cloud.md.", False),
    "OUT_OF_RANGE": (RequestRefused, "does not take the request", "Is the speed within 0.25 and 2?", False),
    "UNIMPLEMENTED": (RequestRefused, "knows no speech", "Is tts.google_tts.endpoint right?", False),
    "RESOURCE_EXHAUSTED": (
        TooManyRequests,
        "has had too many requests",
        "Look at the project's quotas in Google's console.",
        True,
    ),
    "UNAVAILABLE": (Unreachable, "cannot be reached", "Is there a connection to the internet?", True),
}
"""By gRPC status: kind, what happened, what to do, whether trying again may help."""

_REMEDIES = {
    "SERVICE_DISABLED": "Switch on the Cloud Text-to-Speech API for the project in Google's console.",
    "BILLING_DISABLED": "Link a billing account to the project in Google's console.",
    "CONSUMER_INVALID": "Does the key's project still exist?",
    "CONSUMER_SUSPENDED": "The project is suspended: see Google's console.",
    "ACCOUNT_STATE_INVALID": "The service account is disabled or deleted: see Google's console.",
    "ACCESS_TOKEN_EXPIRED": "Is this machine's clock right?",
}
"""By Google's reason (google.api.error_reason.proto), where it tells more than the status."""

_REFUSED_AT_THE_DOOR = frozenset(
    {"UNAUTHENTICATED", "PERMISSION_DENIED", "INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED"}
)
"""Statuses with which certainly nothing was spoken."""

_NEVER_SENT = (
    "failed to connect to all addresses",
    "errors resolving",
    "DNS resolution failed",
    "Getting metadata from plugin failed",
)
"""How gRPC's own words begin where the request did not leave this machine (grpcio 1.60 to 1.85); a test makes each. If
other words come one day, a request that was not sent counts as spent, which errs on the safe side."""


def unbilled(error: BaseException) -> bool:
    """Whether the call was certainly not billed: it was refused at the door, or never got there."""
    status = status_of(error)
    if status in _REFUSED_AT_THE_DOOR:
        return True
    return status == "UNAVAILABLE" and any(words.startswith(_NEVER_SENT) for words in _words_of(error))


def status_of(error: BaseException) -> str:
    """Name of the gRPC status, "" where there is none."""
    code = getattr(error, "grpc_status_code", None)
    return str(code.name) if code is not None else ""


def translated(error: BaseException, voice: str, time_limit_s: float) -> ProviderError:
    """A library's error in our words."""
    status, reason = status_of(error), _reason_of(error)
    if status == "DEADLINE_EXCEEDED":
        return ProviderTimeout(
            f"Google's voice {voice} did not answer within {time_limit_s:g} s.",
            remedy="Is the connection to the internet slow?",
        )
    fault = (ServiceFault, "failed", "It is tried again later.", True)
    kind, what, remedy, retryable = _KINDS.get(status, fault)
    told = ", ".join(filter(None, (f"voice {voice}", f"status {status or type(error).__name__}", reason)))
    return kind(f"Google's speech service {what} ({told}).", remedy=_REMEDIES.get(reason, remedy), retryable=retryable)


def _reason_of(error: BaseException) -> str:
    """Google's own name for what is wrong, such as ``SERVICE_DISABLED``; "" where it gives none."""
    reason: Any = getattr(error, "reason", None)
    return reason if isinstance(reason, str) and re.fullmatch(r"[A-Z][A-Z0-9_]{2,62}", reason) else ""


def _words_of(error: BaseException) -> Iterator[str]:
    for words in (getattr(error, "message", ""), getattr(error.__cause__, "details", lambda: "")()):
        if isinstance(words, str):
            yield words
