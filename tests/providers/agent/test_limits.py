from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from pipeline.errors import ProviderError
from providers.agent.limits import AgentSettings, limited

pytestmark = pytest.mark.unit


async def run(*pieces: str, limit: int = 100) -> list[str]:
    async def source() -> AsyncGenerator[str, None]:
        for piece in pieces:
            yield piece

    return [piece async for piece in limited("x", source(), AgentSettings(max_answer_chars=limit))]


async def test_a_short_answer_is_not_touched() -> None:
    assert await run("We ", "close ", "", "at nine.\n") == ["We ", "close ", "at nine.\n"]


async def test_blank_pieces_before_the_first_words_are_dropped() -> None:
    assert await run("\n", "  ", "Yes.") == ["Yes."]


async def test_signs_before_the_first_words_belong_to_them() -> None:
    assert await run(" ", "¿", "Qué?") == ["¿Qué?"]
    assert "".join(await run("🙂", " -", "5 degrees.")) == "🙂 -5 degrees."


@pytest.mark.parametrize(
    "pieces", [(), ("",), (" ", "\n\n"), ("🙂", " 👍🏽"), ("…", "?!"), (":D",), ("🙂" * 200,), ("- ",) * 500]
)
async def test_nothing_is_an_error(pieces: tuple[str, ...]) -> None:
    with pytest.raises(ProviderError, match="answered nothing"):
        await run(*pieces)


@pytest.mark.parametrize("size", [1, 3, 7, 50, 99, 100, 101, 5000])
async def test_the_cut_falls_behind_a_sentence(size: int) -> None:
    text = "Ten words. " * 40
    parts = [text[n : n + size] for n in range(0, len(text), size)]
    said = "".join(await run(*parts))
    assert said.strip() == ("Ten words. " * 9).strip()


async def test_an_answer_of_just_the_limit_is_whole() -> None:
    text = "a" * 49 + " " + "b" * 49 + "."
    assert "".join(await run(*text)) == text


@pytest.mark.parametrize("size", [1, 1000])
async def test_without_sentences_the_cut_falls_between_words(size: int) -> None:
    text = "word " * 200
    said = "".join(await run(*(text[n : n + size] for n in range(0, len(text), size))))
    assert 70 <= len(said) <= 100
    assert set(said.split()) == {"word"}


async def test_without_spaces_the_cut_falls_anywhere() -> None:
    assert len("".join(await run("a" * 500))) == 100


async def test_the_source_is_closed_after_the_cut() -> None:
    closed = []

    async def source() -> AsyncGenerator[str, None]:
        try:
            while True:
                yield "Again and again. "
        finally:
            closed.append(True)

    _ = [piece async for piece in limited("x", source(), AgentSettings(max_answer_chars=100))]
    assert closed == [True]


async def test_a_time_out_of_the_sources_own_is_a_failure_not_the_limit() -> None:
    async def source() -> AsyncGenerator[str, None]:
        raise TimeoutError
        yield ""

    with pytest.raises(ProviderError, match="failed: TimeoutError") as caught:
        _ = [piece async for piece in limited("x", source(), AgentSettings())]
    assert caught.value.code == "provider"
