"""What can go wrong, as one small tree.

    AssistantError            code, message, remedy
    ├── SettingsError         a setting is wrong
    ├── AudioFileError        a sound file cannot be used
    ├── ModelError            a model is missing or damaged
    │   ├── ModelMissing
    │   ├── ModelDamaged
    │   └── LicenceRefused    its licence does not allow this use
    ├── DeviceError           a microphone or loudspeaker cannot be used
    │   ├── DeviceMissing
    │   └── DeviceLost
    └── ProviderError         a provider failed at its work; says whether trying again may help
        ├── ProviderTimeout
        ├── NotReady          it is being started; nothing is wrong with it
        ├── QuotaExceeded     the month's free amount is used up
        └── ProviderMissing   its library or program is not installed

Errors are translated where a library is called (``raise … from error``), never further up.
"""

from __future__ import annotations


class AssistantError(Exception):
    """Base of all errors of this house. ``str(error)`` is one line: what happened and what to do next."""

    code = "error"
    """Stable name that a panel can translate."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class SettingsError(AssistantError):
    """A setting is unknown or has a value that cannot be used."""

    code = "settings"


class AudioFileError(AssistantError):
    """A sound file is missing, empty, or not what its name promises."""

    code = "audio_file"


class ModelError(AssistantError):
    """A model cannot be used."""

    code = "model"


class ModelMissing(ModelError):
    """A model is not on this machine."""

    code = "model_missing"


class ModelDamaged(ModelError):
    """A model's file is not the one that was published."""

    code = "model_damaged"


class LicenceRefused(ModelError):
    """A model's licence does not allow what the assistant is used for."""

    code = "licence"


class DeviceError(AssistantError):
    """A microphone or loudspeaker cannot be used."""

    code = "device"

    def __init__(self, message: str, *, remedy: str = "", device: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.device = device
        """Name of the device, as events tell it."""


class DeviceMissing(DeviceError):
    """No device of that name or number."""

    code = "device_missing"


class DeviceLost(DeviceError):
    """A device that worked has gone."""

    code = "device_lost"


class ProviderError(AssistantError):
    """A provider failed at its work."""

    code = "provider"

    def __init__(self, message: str, *, remedy: str = "", retryable: bool = True) -> None:
        super().__init__(message, remedy=remedy)
        self.retryable = retryable
        """Whether the same request may succeed a little later."""


class ProviderTimeout(ProviderError):
    """A provider took longer than its time limit."""

    code = "provider_timeout"


class NotReady(ProviderError):
    """A provider is being started and will work soon. No failure: another one stands in, and nobody has to rest."""

    code = "not_ready"


class QuotaExceeded(ProviderError):
    """A provider's free amount for this month is used up."""

    code = "quota"

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy, retryable=False)


class ProviderMissing(ProviderError):
    """A provider's library or program is not installed."""

    code = "provider_missing"

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy, retryable=False)


def first_cause(error: BaseException) -> BaseException:
    """What went wrong first: task groups wrap what their tasks raise."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def without_words(error: BaseException) -> str:
    """An error for the log. A message that is not ours may hold what a customer said, so only its place is told."""
    error = first_cause(error)
    if isinstance(error, AssistantError):
        return str(error)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_code.co_qualname}, line {trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}{place}; this should not have happened, please report it."
