"""Who calls, as routes ask for it. The guard has let them in already."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from assistant.access.tokens import Caller


def caller_of(request: Request) -> Caller:
    """Whose token or session it is."""
    caller: Caller = request.state.caller
    return caller


CallerNow = Annotated[Caller, Depends(caller_of)]
"""A route's argument: who calls."""
