"""Two sentences in the finished voice."""

import wave

from piper_kiosk.dimensions import NAME
from piper_kiosk.options import Options

TEXTS = ["What time do you close?", "The olive oil is in aisle seven, next to the tomatoes."]


def say(options: Options) -> None:
    """Step "say": write sample-1.wav and sample-2.wav beside the voice."""
    from piper import PiperVoice

    voice = PiperVoice.load(str(options.out / f"{NAME}.onnx"))
    for number, text in enumerate(TEXTS, 1):
        with wave.open(str(options.out / f"sample-{number}.wav"), "wb") as out:
            voice.synthesize_wav(text, out)
