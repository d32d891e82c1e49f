"""Text made speakable: what a voice should say for what a person would read."""

from __future__ import annotations

from pipeline.speakable.text import speakable

__all__ = ["speakable"]
