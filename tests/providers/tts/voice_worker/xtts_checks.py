"""What a small XTTS does, told as JSON; run by the environment that has the package.

.venv-cloning/bin/python -m tests.providers.tts.voice_worker.xtts_checks SCRATCH_FOLDER
"""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from pipeline.speech import VoiceSettings
from providers.tts.voice_worker import xtts_model
from providers.tts.voice_worker.babble import longest_s
from providers.tts.voice_worker.engine import EngineOptions, Sound
from providers.tts.voice_worker.xtts import EMBEDDING, LATENT, XttsEngine, create
from providers.tts.voice_worker.xtts_stream import CHUNKS, XttsStream
from tests.fakes.small_xtts import make

TEXT = "We close at nine."
LONG = "Olive oil is in aisle seven. It stands next to the tomatoes, on the left! " * 4
ENDLESS = "and the oil, the vinegar, the salt and the bread " * 20
ODD = {
    "cs": "Přijďte 1. května, stojí to 14.", "hi": "मेरे पास 14% बैटरी है।", "en": "9" * 40, "zh": "字" * 90,
    "ja": "こんにちは😀", "ko": "12번", "tr": "a" * 250, "ar": "٣٤ كتاب", "de": "½ ² \x00",
}  # fmt: skip
STOPS_AFTER = 30


def never() -> bool:
    return False


def sample(seed: int) -> Sound:
    noise = np.random.default_rng(seed).standard_normal(24_000 * 7)
    return (0.1 * noise).astype(np.float32)


def loaded(folder: Path) -> XttsEngine:
    engine = create(EngineOptions(folder, "cpu", threads=1))
    engine.load()
    return engine


def said(engine: XttsEngine, speaker: Any, text: str = TEXT, language: str = "en", **settings: Any) -> Sound:
    torch.manual_seed(1)
    chunks = list(engine.stream(text, language, speaker, VoiceSettings(**settings), never))
    return np.concatenate([np.zeros(0, np.float32), *chunks])


def apart(one: Sound, other: Sound) -> float:
    """Largest difference; 9 where the lengths differ."""
    return float(np.abs(one - other).max(initial=0)) if len(one) == len(other) else 9.0


def streamed(
    engine: XttsEngine, speaker: Any, chunks: tuple[int, ...], speed: float, most: int
) -> tuple[list[Sound], list[int], Any]:
    """Chunks of a stream, frames that each of them took, and the latents that it was made of."""
    torch.manual_seed(1)
    tokens = engine.model.tokenizer.encode(TEXT.lower(), lang="en")
    settings = VoiceSettings(speed=speed)
    stream = XttsStream(engine.model, engine.voice(speaker), tokens, settings, never, most, chunks)
    latents: list[Any] = []
    made = stream._latents
    stream._latents = lambda: (latents.append(one) or one for one in made())  # type: ignore[method-assign]
    sounds, costs, before = [], [], 0
    for sound in stream:
        sounds.append(sound)
        costs.append(stream.decoder.decoded - before)
        before = stream.decoder.decoded
    return sounds, costs, torch.cat(latents)


def at_once(engine: XttsEngine, speaker: Any, latents: Any, speed: float) -> Sound:
    """As upstream's ``inference`` decodes."""
    with torch.inference_mode():
        whole = latents[None]
        if speed != 1.0:
            whole = interpolate(whole.transpose(1, 2), scale_factor=1 / speed, mode="linear").transpose(1, 2)
        sound = engine.model.hifigan_decoder(whole, g=engine.voice(speaker)[1])[0, 0]
    return np.asarray(sound.numpy(), np.float32)


def differences(engine: XttsEngine, speaker: Any) -> dict[str, float]:
    """Of streaming in several ways to decoding at once."""
    ways = [(chunks, 1.0) for chunks in (CHUNKS, (1,), (3,), (7, 2, 11), (20,), (400,))]
    ways += [(chunks, speed) for chunks in (CHUNKS, (5,)) for speed in (0.5, 0.83, 1.3, 2.0)]
    found = {}
    for chunks, speed in ways:
        sounds, _, latents = streamed(engine, speaker, chunks, speed, 47)
        found[f"{chunks} at {speed}"] = apart(np.concatenate(sounds), at_once(engine, speaker, latents, speed))
    return found


def beside_upstream(engine: XttsEngine, speaker: Any) -> float:
    """How far the sound of a model that stops by itself is from upstream's, all of it in a single chunk."""
    voice = engine.voice(speaker)
    default = VoiceSettings()
    torch.manual_seed(1)
    theirs = engine.model.inference_stream(
        TEXT, "en", *voice, stream_chunk_size=1000, temperature=default.temperature, top_k=default.top_k,
        top_p=default.top_p, repetition_penalty=default.repetition_penalty,
    )  # fmt: skip
    whole = np.concatenate([one.numpy() for one in theirs])
    sounds, _, _ = streamed(engine, speaker, CHUNKS, 1.0, 500)
    return apart(np.concatenate(sounds), whole)


def beside_upstreams_latents(engine: XttsEngine, kept: Any) -> float:
    """How far what is kept of a sample is from what upstream takes from a file of it."""
    upstream = xtts_model.upstream
    import torchaudio

    heard = torchaudio.functional.resample(torch.from_numpy(sample(1))[None], 24_000, 22_050).clip(-1, 1)
    reading, upstream.load_audio = upstream.load_audio, lambda path, rate: heard
    try:
        config = engine.model.config
        latent, embedding = engine.model.get_conditioning_latents(
            "sample.wav", max_ref_length=config.max_ref_len, gpt_cond_len=config.gpt_cond_len,
            gpt_cond_chunk_len=config.gpt_cond_chunk_len,
        )  # fmt: skip
    finally:
        upstream.load_audio = reading
    return max(apart(latent.numpy(), kept[LATENT]), apart(embedding.numpy(), kept[EMBEDDING]))


def asked(engine: XttsEngine, call: Callable[[], Any]) -> dict[str, Any]:
    """With what the GPT was asked to generate; what the text began with is added."""
    found: dict[str, Any] = {}
    inference = engine.model.gpt.gpt_inference
    generate, embed = inference.generate_stream, engine.model.gpt.compute_embeddings

    def spy(inputs: Any, **arguments: Any) -> Any:
        found.update({name: value for name, value in arguments.items() if isinstance(value, int | float)})
        return generate(inputs, **arguments)

    def spy_text(latent: Any, text: Any) -> Any:
        found["first_token"] = engine.model.tokenizer.tokenizer.id_to_token(int(text[0, 0]))
        return embed(latent, text)

    inference.generate_stream, engine.model.gpt.compute_embeddings = spy, spy_text
    try:
        call()
    finally:
        del inference.generate_stream, engine.model.gpt.compute_embeddings
    return found


def settings(engine: XttsEngine, speaker: Any) -> list[dict[str, Any]]:
    wanted = {"temperature": 0.4, "length_penalty": 1.5, "repetition_penalty": 7.0, "top_k": 20, "top_p": 0.6}
    wild = {"temperature": 0.0, "length_penalty": 1e9, "repetition_penalty": 0.0, "top_k": 0, "top_p": 7.0}
    every = [{}, wanted, wild]
    return [asked(engine, lambda one=one: said(engine, speaker, **one)) for one in every]


def steps_after_cancelling(engine: XttsEngine, speaker: Any, at: int) -> tuple[int, int]:
    """Steps of the GPT, and those of them after nobody waited any more."""
    steps: list[bool] = []
    inference = engine.model.gpt.gpt_inference
    handle = inference.register_forward_hook(lambda *_: steps.append(cancelled()))

    def cancelled() -> bool:
        return len(steps) >= at

    for _ in engine.stream(LONG, "en", speaker, VoiceSettings(), cancelled):
        pass
    handle.remove()
    return len(steps), sum(steps)


def pieces_of(engine: XttsEngine, text: str, language: str) -> list[int]:
    """Tokens of each."""
    return [len(piece.tokens) for piece in engine._pieces(text, language)]


def refused(call: Callable[[], Any]) -> str:
    try:
        call()
    except (ValueError, pickle.UnpicklingError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def published_form(folder: Path) -> bool:
    """Whether a file like the published one, with a configuration object in it, is read and left as it is."""
    from TTS.tts.configs.xtts_config import XttsConfig

    path = folder / "model.pth"
    kept = path.read_bytes()
    weights = torch.load(path, weights_only=True)["model"]
    with xtts_model.upstream._legacy_safe_globals():
        torch.save({"model": weights, "config": XttsConfig()}, path)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    xtts_model.load(folder)
    same = hashlib.sha256(path.read_bytes()).hexdigest() == before
    path.write_bytes(kept)
    return same


class Evil:
    """Runs code where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return sys.exit, (99,)


def evil_file(folder: Path) -> str:
    path = folder / "model.pth"
    kept = path.read_bytes()
    torch.save({"model": Evil()}, path)
    try:
        return refused(lambda: xtts_model.load(folder))
    finally:
        path.write_bytes(kept)


def main(scratch: Path) -> None:
    make(scratch / "endless")
    make(scratch / "stopping", stop_after=STOPS_AFTER)
    engine, stopping = loaded(scratch / "endless"), loaded(scratch / "stopping")
    one, other = engine.speaker(sample(1), 24_000), engine.speaker(sample(2), 24_000)
    np.savez(scratch / "voice.npz", allow_pickle=False, **one)
    with np.load(scratch / "voice.npz", allow_pickle=False) as archive:
        from_disk = dict(archive)
    short = said(engine, one)
    long_text = said(engine, one, LONG)
    _, costs, _ = streamed(engine, one, (20,), 1.0, 300)
    first, _, _ = streamed(engine, one, CHUNKS, 1.0, 40)
    result = {
        "rate_hz": engine.rate_hz,
        "languages": engine.languages,
        "version": engine.version,
        "device": engine.device,
        "differences": differences(engine, one),
        "beside_upstream": beside_upstream(stopping, stopping.speaker(sample(1), 24_000)),
        "beside_upstreams_latents": beside_upstreams_latents(engine, one),
        "stopped_s": len(said(stopping, one, LONG[:75])) / 24_000,
        "stopped_after": len(streamed(stopping, one, CHUNKS, 1.0, 500)[2]),
        "costs": costs,
        "first_chunk": len(first[0]),
        "settings": settings(engine, one),
        "languages_asked": [
            asked(engine, lambda code=code: said(engine, one, "hallo", code))["first_token"]
            for code in ("zh", "zh-cn", "es", "pt-BR")
        ],
        "refused": refused(lambda: said(engine, one, TEXT, "xx")),
        "short_s": len(short) / 24_000,
        "fast_s": len(said(engine, one, speed=2.0)) / 24_000,
        "bound_s": longest_s("we close at nine.", "en"),
        "long_s": len(long_text) / 24_000,
        "finite": bool(np.isfinite(long_text).all()),
        "level": float(short.std()),
        "peak": float(np.abs(short).max()),
        "pieces": pieces_of(engine, LONG, "en"),
        "endless_pieces": pieces_of(engine, ENDLESS, "en"),
        "odd_s": {code: len(said(engine, one, text, code)) / 24_000 for code, text in ODD.items()},
        "nothing": len(said(engine, one, "... 😀 !")),
        "cancelled": [steps_after_cancelling(engine, one, at) for at in (1, 7, 60)],
        "same_again": apart(short, said(engine, engine.speaker(sample(1), 24_000))),
        "from_disk": apart(short, said(engine, from_disk)),
        "kinds": {name: str(array.dtype) for name, array in one.items()},
        "other_latents": [apart(one[name], other[name]) for name in (LATENT, EMBEDDING)],
        "other_voice": apart(short, said(engine, other)),
        "unused": engine.unused(VoiceSettings(speed=1.2, top_k=20, emotion="happy")) + engine.unused(VoiceSettings()),
        "published_form": published_form(scratch / "endless"),
        "evil_file": evil_file(scratch / "endless"),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
