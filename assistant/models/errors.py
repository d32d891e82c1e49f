"""What can go wrong while a model is fetched.

AssistantError
└── PullError             this source does not give the model
    ├── HubUnreachable    the hub gives nothing at all, so its other repositories need not be asked
    └── HubRefused        the hub gives this only to somebody else
"""

from __future__ import annotations

from pipeline.errors import AssistantError

COPY_REMEDY = "Copy the folder models/{name}/ from another machine, or set models.mirror to a share that has it."


class PullError(AssistantError):
    """A model could not be fetched."""

    code = "pull"


class HubUnreachable(PullError):
    """The hub cannot be reached, or what answers in its place is not the hub."""

    code = "hub_unreachable"


class HubRefused(PullError):
    """The hub wants to know who asks, or does not give this to who asks."""

    code = "hub_refused"
