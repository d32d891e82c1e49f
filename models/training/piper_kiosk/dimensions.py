"""Sizes of the voice: frames, bands and the range of its pitch."""

NAME = "en_US-kiosk-low"
SAMPLE_RATE_HZ = 16000
HOP = 128
"""Samples in one frame: 8 ms."""
FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP
ENVELOPE = 64
"""Bands of the spectral envelope, evenly spaced in mel."""
APERIODICITY = 6
"""Bands of the aperiodicity, the share of noise in a voiced sound."""
F0_LOW_HZ, F0_HIGH_HZ = 60.0, 260.0
"""Range of the pitch."""
SYMBOLS = 256
"""Phoneme ids in Piper's table."""

PITCH = ENVELOPE
"""Where log pitch stands among the outputs of one frame; the envelope comes first."""
VOICING = ENVELOPE + 1
NOISE = ENVELOPE + 2
"""Where the aperiodicity starts."""
OUTPUTS = NOISE + APERIODICITY
