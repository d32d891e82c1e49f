"""What can be wrong with a wish about personalities.

SettingsError
└── PersonalityError
    ├── PersonalityMissing      there is none of that name
    ├── PersonalityInvalid      a value cannot be used
    └── PersonalityConflict     it would not fit with the others
"""

from __future__ import annotations

from typing import Self

from assistant.problems import clipped
from pipeline.errors import SettingsError


class PersonalityError(SettingsError):
    """What was asked of the personalities cannot be done. Nothing was changed."""

    code = "personality"

    def of(self, name: str) -> Self:
        """The same error, told of one personality among several."""
        return type(self)(f"{clipped(name) or 'one without a name'}: {self.message}", remedy=self.remedy)


class PersonalityMissing(PersonalityError):
    """No personality has that id or name."""

    code = "personality_missing"


class PersonalityInvalid(PersonalityError):
    """A key is unknown or has a value that cannot be used."""

    code = "personality_invalid"


class PersonalityConflict(PersonalityError):
    """A name or wake word is taken, or the personality cannot be spared."""

    code = "personality_conflict"
