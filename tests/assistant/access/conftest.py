"""Fixtures of the tests of access."""

from tests.assistant.storage.disks import small_disk

__all__ = ["small_disk"]
