"""What can be wrong with access tokens.

AssistantError
└── AccessError         the token's file or table cannot be used
    └── TokenMissing    there is no token of that id
"""

from __future__ import annotations

from pipeline.errors import AssistantError


class AccessError(AssistantError):
    """Tokens cannot be read or written."""

    code = "access"


class TokenMissing(AccessError):
    """There is no token of that id."""

    code = "token_missing"
