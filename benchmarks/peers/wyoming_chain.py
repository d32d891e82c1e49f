"""Plays Home Assistant and its satellite between three Wyoming servers; ``benchmarks.voice_to_voice`` starts it.

    python -m benchmarks.peers.wyoming_chain WHISPER VOICE_FOLDER VOICE WAKE_PYTHON PIPER_PYTHON

Runs in wyoming-faster-whisper's environment and imports nothing of this project but the line. Silero decides as in
Home Assistant's segmenter: speech of 0.3 s begins a command (probability above 0.2, in a command above 0.5), 0.7 s of
silence end it. The satellite hands on each piece of the voice as it comes.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks.peers.line import (
    ANSWER,
    END_OF_TURN,
    FRAME_SAMPLES,
    MICROPHONE,
    RATE_HZ,
    READY,
    TRANSCRIPT,
    program_line,
)

SPEECH_S, SILENCE_S, TIMEOUT_S = 0.3, 0.7, 15.0
BEFORE, DURING = 0.2, 0.5
FRAME_S = FRAME_SAMPLES / RATE_HZ
AUDIO = {"rate": RATE_HZ, "width": 2, "channels": 1}


class Silero:
    """Speech probability of a frame, with the model that faster-whisper brings."""

    def __init__(self) -> None:
        import faster_whisper
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        assets = Path(faster_whisper.__file__).parent / "assets"
        model = next(iter(sorted(assets.glob("silero_vad*.onnx"), reverse=True)))
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.reset()

    def reset(self) -> None:
        self._state = [np.zeros((1, 1, 128), np.float32) for _ in range(2)]
        self._before = np.zeros(64, np.float32)

    def probability(self, pcm: bytes) -> float:
        sound = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
        given = np.concatenate([self._before, sound])[None]
        self._before = sound[-64:]
        out, *self._state = self._session.run(None, {"input": given, "h": self._state[0], "c": self._state[1]})
        return float(np.ravel(out)[0])


class Segmenter:
    """Home Assistant's rule for the end of a command."""

    def __init__(self) -> None:
        self._speech_s, self._silence_s, self._left_s, self._in_command = SPEECH_S, SILENCE_S, TIMEOUT_S, False

    def goes_on(self, probability: float) -> bool:
        self._left_s -= FRAME_S
        if self._left_s <= 0:
            return False
        if not self._in_command:
            if probability > BEFORE:
                self._speech_s -= FRAME_S
                self._in_command = self._speech_s <= 0
            else:
                self._speech_s = SPEECH_S
            return True
        if probability > DURING:
            self._silence_s = SILENCE_S
            return True
        self._silence_s -= FRAME_S
        return self._silence_s > 0


class Home:
    """One satellite's way through the three servers, again and again."""

    def __init__(self, ports: dict[str, int]) -> None:
        self.ports = ports
        self.line = program_line()
        self.frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.answer = ""
        self.vad = Silero()

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        while (frame := self.line.receive()) is not None:
            if frame[0] == ANSWER:
                self.answer = frame[1].decode()
            elif frame[0] == MICROPHONE:
                loop.call_soon_threadsafe(self.frames.put_nowait, frame[1])
        loop.call_soon_threadsafe(self.frames.put_nowait, None)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        threading.Thread(target=self.listen, args=(loop,), daemon=True).start()
        await self.speak("Hello.", aloud=False)
        self.line.send(READY)
        while await self.wake():
            text = await self.command()
            if text is None:
                return
            self.line.send(TRANSCRIPT, text.encode())
            await self.speak(self.answer)

    def client(self, name: str):
        from wyoming.client import AsyncTcpClient

        return AsyncTcpClient("127.0.0.1", self.ports[name])

    async def wake(self) -> bool:
        """Whether it was woken; what was heard while it answered counts no more."""
        from wyoming.audio import AudioChunk, AudioStart
        from wyoming.wake import Detect, Detection

        while not self.frames.empty():
            if self.frames.get_nowait() is None:
                return False
        async with self.client("wake") as client:
            await client.write_event(Detect(names=["hey_jarvis"]).event())
            await client.write_event(AudioStart(**AUDIO).event())

            detected = asyncio.Event()

            async def wait() -> None:
                while not detected.is_set():
                    event = await client.read_event()
                    if event is None or Detection.is_type(event.type):
                        detected.set()

            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(wait(), name="wake word")
                while not detected.is_set():
                    pcm = await self.frames.get()
                    if pcm is None:
                        waiting.cancel()
                        return False
                    await client.write_event(AudioChunk(audio=pcm, **AUDIO).event())
        return True

    async def command(self) -> str | None:
        from wyoming.asr import Transcribe, Transcript
        from wyoming.audio import AudioChunk, AudioStart, AudioStop

        self.vad.reset()
        segmenter = Segmenter()
        async with self.client("whisper") as client:
            await client.write_event(Transcribe(language="en").event())
            await client.write_event(AudioStart(**AUDIO).event())
            while True:
                pcm = await self.frames.get()
                if pcm is None:
                    return None
                await client.write_event(AudioChunk(audio=pcm, **AUDIO).event())
                if not segmenter.goes_on(self.vad.probability(pcm)):
                    break
            self.line.send(END_OF_TURN)
            await client.write_event(AudioStop().event())
            while (event := await client.read_event()) is not None:
                if Transcript.is_type(event.type):
                    return Transcript.from_event(event).text
        return ""

    async def speak(self, text: str, *, aloud: bool = True) -> None:
        from wyoming.audio import AudioChunk, AudioStop
        from wyoming.tts import Synthesize

        async with self.client("piper") as client:
            await client.write_event(Synthesize(text=text).event())
            while (event := await client.read_event()) is not None:
                if AudioStop.is_type(event.type):
                    return
                if aloud and AudioChunk.is_type(event.type):
                    chunk = AudioChunk.from_event(event)
                    self.line.play(chunk.audio, chunk.rate)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def reachable(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def main(whisper: str, voices: str, voice: str, wake_python: str, piper_python: str) -> None:
    ports = {name: free_port() for name in ("wake", "whisper", "piper")}
    where = {name: ["--uri", f"tcp://127.0.0.1:{port}"] for name, port in ports.items()}
    threads = str(os.cpu_count() or 1)
    asr = ["--model", whisper, "--data-dir", str(Path(whisper).parent), "--language", "en", "--local-files-only"]
    asr += ["--stt-library", "faster-whisper", "--cpu-threads", threads, "--compute-type", "int8", "--beam-size", "1"]
    tts = ["--voice", voice, "--data-dir", voices, "--local-files-only"]
    commands = [
        [wake_python, "-m", "wyoming_openwakeword", *where["wake"], "--preload-model", "hey_jarvis"],
        [sys.executable, "-m", "wyoming_faster_whisper", *where["whisper"], *asr],
        [piper_python, "-m", "wyoming_piper", *where["piper"], *tts],
    ]
    servers = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for command in commands]
    try:
        home = Home(ports)
        give_up = time.monotonic() + 120
        while not all(map(reachable, ports.values())):
            if time.monotonic() > give_up or any(server.poll() is not None for server in servers):
                sys.exit("A Wyoming server does not start.")
            time.sleep(0.1)
        asyncio.run(home.run())
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(10)


if __name__ == "__main__":
    main(*sys.argv[1:])
