"""RealtimeSTT and RealtimeTTS with Piper as an assistant; ``benchmarks.voice_to_voice`` starts it.

    python -m benchmarks.peers.realtime WHISPER VOICE.onnx

Runs in an environment of its own and imports nothing of this project but the line. Everything is left at the packages'
defaults but what a processor, the given models and English ask for; no wake word, which spares it work.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path

from benchmarks.peers.line import ANSWER, END_OF_TURN, MICROPHONE, READY, TRANSCRIPT, program_line


def main(whisper: str, voice: str) -> None:
    line = program_line()
    from RealtimeSTT import AudioToTextRecorder
    from RealtimeTTS import PiperEngine, PiperVoice, TextToAudioStream

    answer = {"text": ""}
    program = Path(sys.executable).with_name("piper")
    piper = str(program) if program.exists() else shutil.which("piper")
    engine = PiperEngine(piper_path=piper, voice=PiperVoice(model_file=voice, config_file=f"{voice}.json"))
    rate_hz = engine.get_stream_info()[2]
    # Its default splitter fetches data from elsewhere.
    stream = TextToAudioStream(engine, muted=True, tokenizer="rule-based")
    recorder = AudioToTextRecorder(
        model=whisper, language="en", device="cpu", compute_type="int8", use_microphone=False, spinner=False,
        no_log_file=True, on_recording_stop=lambda: line.send(END_OF_TURN),
    )  # fmt: skip

    def listen() -> None:
        while (frame := line.receive()) is not None:
            if frame[0] == MICROPHONE:
                recorder.feed_audio(frame[1])
            elif frame[0] == ANSWER:
                answer["text"] = frame[1].decode()
        recorder.shutdown()
        os._exit(0)  # its threads do not end by themselves

    threading.Thread(target=listen, daemon=True).start()
    line.send(READY)
    while True:
        text = recorder.text()
        line.send(TRANSCRIPT, text.encode())
        if text.strip():
            stream.feed(answer["text"])
            stream.play(on_audio_chunk=lambda pcm: line.play(pcm, rate_hz), muted=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
