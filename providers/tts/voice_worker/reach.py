"""How far a HiFi-GAN vocoder looks around a frame."""

from __future__ import annotations

from typing import Any

FAR = 1 << 20
"""A frame so far from the start that nothing reaches it."""


def reach(generator: Any) -> tuple[int, int]:
    """Frames before and after a stretch of frames that its samples depend on.

    Followed backwards from the samples of one frame through every layer of ``HifiganGenerator`` (coqui-tts,
    vocoder/models/hifigan_generator.py): a convolution of kernel k and dilation d looks d·(k-1)/2 to both sides, the
    residual blocks of one level stand side by side, of which the widest counts, and a transposed convolution divides
    by its stride. For XTTS v2 (kernels 3, 7, 11, dilations 1, 3, 5, strides 8, 8, 2, 2) that makes 13 and 13, most of
    it in the blocks behind the first stride: 60 steps of an eighth of a frame.
    """
    samples = 1
    for up in generator.ups:
        samples *= up.stride[0]
    first, last = FAR * samples, FAR * samples + samples - 1
    around = _side(generator.conv_post)
    first, last = first - around, last + around
    width = len(generator.resblocks) // len(generator.ups)
    for level in reversed(range(len(generator.ups))):
        blocks = generator.resblocks[level * width : (level + 1) * width]
        around = max(_block(block) for block in blocks)
        first, last = _through(generator.ups[level], first - around, last + around)
    around = _side(generator.conv_pre)
    return FAR - (first - around), last + around - FAR


def _side(convolution: Any) -> int:
    return int(convolution.dilation[0] * (convolution.kernel_size[0] - 1) // 2)


def _block(block: Any) -> int:
    """One residual block: its convolutions stand in a row."""
    rows = [block.convs1, block.convs2] if hasattr(block, "convs1") else [block.convs]
    return sum(_side(one) for row in rows for one in row)


def _through(up: Any, first: int, last: int) -> tuple[int, int]:
    """Inputs that the outputs from ``first`` to ``last`` of a transposed convolution depend on."""
    stride, padding, kernel = up.stride[0], up.padding[0], up.kernel_size[0]
    return -(-(first + padding - kernel + 1) // stride), (last + padding) // stride
