"""The icons, drawn: each differs by shape, for those who see no colours."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assistant.tray.situation import MODES, Mode

SIZE = 64
"""Pixels; panels scale it down."""

GREY, GREEN, BLUE, VIOLET, TEAL, DARK, AMBER = (
    (0.45, 0.47, 0.50), (0.10, 0.55, 0.30), (0.10, 0.40, 0.85), (0.48, 0.25, 0.75), (0.00, 0.50, 0.55),
    (0.25, 0.27, 0.30), (0.80, 0.42, 0.00),
)  # fmt: skip


def write_icons(folder: Path) -> dict[Mode, Path]:
    """A PNG for each mode."""
    import cairo

    files: dict[Mode, Path] = {}
    for mode in MODES:
        surface = cairo.ImageSurface(cairo.FORMAT_ARGB32, SIZE, SIZE)
        pen = cairo.Context(surface)
        pen.scale(SIZE, SIZE)
        pen.set_line_cap(cairo.LINE_CAP_ROUND)
        pen.set_line_join(cairo.LINE_JOIN_ROUND)
        _DRAWINGS[mode](pen)
        files[mode] = folder / f"shop-assistant-{mode}.png"
        surface.write_to_png(str(files[mode]))
    return files


def _disc(pen: Any, colour: tuple[float, float, float]) -> None:
    """The ground of all but one; what follows is white."""
    pen.set_source_rgb(*colour)
    pen.arc(0.5, 0.5, 0.48, 0, math.tau)
    pen.fill()
    pen.set_source_rgb(1, 1, 1)
    pen.set_line_width(0.07)


def _microphone(pen: Any, x: float = 0.5) -> None:
    pen.save()
    pen.set_line_width(0.2)
    pen.move_to(x, 0.30)
    pen.line_to(x, 0.46)
    pen.stroke()
    pen.restore()
    pen.arc(x, 0.46, 0.18, 0, math.pi)
    pen.move_to(x, 0.64)
    pen.line_to(x, 0.78)
    pen.stroke()


def _slash(pen: Any, colour: tuple[float, float, float]) -> None:
    """Across it, with an edge that sets it off."""
    for width, shade in ((0.2, colour), (0.09, (1, 1, 1))):
        pen.set_source_rgb(*shade)
        pen.set_line_width(width)
        pen.move_to(0.27, 0.23)
        pen.line_to(0.73, 0.77)
        pen.stroke()


def _offline(pen: Any) -> None:
    _disc(pen, GREY)
    pen.set_line_width(0.11)
    for sign in (1, -1):
        pen.move_to(0.5 - 0.2 * sign, 0.3)
        pen.line_to(0.5 + 0.2 * sign, 0.7)
        pen.stroke()


def _starting(pen: Any) -> None:
    _disc(pen, GREY)
    pen.arc(0.5, 0.5, 0.24, -0.5 * math.pi, math.pi)
    pen.stroke()


def _listening(pen: Any) -> None:
    _disc(pen, GREEN)
    _microphone(pen)


def _hearing(pen: Any) -> None:
    _disc(pen, BLUE)
    _microphone(pen)
    for middle in (0.0, math.pi):
        pen.arc(0.5, 0.42, 0.32, middle - 0.6, middle + 0.6)
        pen.stroke()


def _thinking(pen: Any) -> None:
    _disc(pen, VIOLET)
    for x in (0.26, 0.5, 0.74):
        pen.arc(x, 0.5, 0.085, 0, math.tau)
        pen.fill()


def _speaking(pen: Any) -> None:
    _disc(pen, TEAL)
    pen.set_line_width(0.09)
    for x, half in ((0.23, 0.08), (0.365, 0.2), (0.5, 0.28), (0.635, 0.2), (0.77, 0.08)):
        pen.move_to(x, 0.5 - half)
        pen.line_to(x, 0.5 + half)
        pen.stroke()


def _muted(pen: Any) -> None:
    _disc(pen, DARK)
    _microphone(pen)
    _slash(pen, DARK)


def _trouble(pen: Any) -> None:
    pen.set_source_rgb(*AMBER)
    pen.set_line_width(0.14)
    pen.move_to(0.5, 0.12)
    pen.line_to(0.92, 0.86)
    pen.line_to(0.08, 0.86)
    pen.close_path()
    pen.stroke_preserve()
    pen.fill()
    pen.set_source_rgb(1, 1, 1)
    pen.set_line_width(0.11)
    pen.move_to(0.5, 0.34)
    pen.line_to(0.5, 0.57)
    pen.stroke()
    pen.arc(0.5, 0.75, 0.065, 0, math.tau)
    pen.fill()


_DRAWINGS: dict[Mode, Callable[[Any], None]] = {
    "offline": _offline,
    "starting": _starting,
    "listening": _listening,
    "hearing": _hearing,
    "thinking": _thinking,
    "speaking": _speaking,
    "muted": _muted,
    "trouble": _trouble,
}
