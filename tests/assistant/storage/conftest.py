"""Fixtures of the storage's tests."""

from tests.assistant.storage.disks import small_disk

__all__ = ["small_disk"]
