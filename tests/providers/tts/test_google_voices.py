"""Names, classes and amounts of Google's voices, and texts in pieces."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.speech import Voice
from providers.registry import NoQuota
from providers.tts.google import GoogleSynthesizer, Settings
from providers.tts.google_text import pieces
from providers.tts.google_voices import DEFAULT_VOICES, class_of, is_voice, language_of, locale_of

pytestmark = pytest.mark.unit

SPANISH = "mañana "


@pytest.mark.parametrize(
    ("name", "voice_class", "locale", "language"),
    [
        ("en-US-Standard-C", "standard", "en-US", "en"),
        ("en-US-Wavenet-D", "wavenet", "en-US", "en"),
        ("es-US-Neural2-A", "neural2", "es-US", "es"),
        ("es-ES-Polyglot-1", "polyglot", "es-ES", "es"),
        ("en-GB-Studio-B", "studio", "en-GB", "en"),
        ("en-US-Chirp-HD-F", "chirp-hd", "en-US", "en"),
        ("en-US-Chirp3-HD-Achernar", "chirp3-hd", "en-US", "en"),
        ("es-419-Standard-A", "standard", "es-419", "es"),
        ("cmn-CN-Wavenet-A", "wavenet", "cmn-CN", "zh"),
        ("nb-NO-Standard-E", "standard", "nb-NO", "no"),
        ("fil-PH-Standard-A", "standard", "fil-PH", "fil"),
        ("en-US-Achernar", "other", "en-US", "en"),
    ],
)
def test_a_name_tells_class_and_language(name: str, voice_class: str, locale: str, language: str) -> None:
    assert is_voice(name)
    assert (class_of(name), locale_of(name), language_of(name)) == (voice_class, locale, language)


@pytest.mark.parametrize("name", ["", "en", "en-US", "en_US-ryan-medium", "en-us+f3", "Achernar", "../../etc-pw-x d"])
def test_other_names_are_no_voices(name: str) -> None:
    assert not is_voice(name)
    assert class_of(name) == "other"
    with pytest.raises(ValidationError):
        Settings(voices={"en": name})


def test_each_default_voice_speaks_its_language_in_the_cheapest_class() -> None:
    for language, name in DEFAULT_VOICES.items():
        assert (language_of(name), class_of(name)) == (language, "standard")


def engine(**settings: object) -> GoogleSynthesizer:
    return GoogleSynthesizer(Settings.model_validate(settings), Path(), NoQuota())


def test_the_wanted_voice_is_taken_where_it_speaks_the_language() -> None:
    voices = engine(voices={"en": "en-GB-Standard-B", "eu": "eu-ES-Standard-B"})
    assert voices.voice_for("en", "en-US-Neural2-A") == "en-US-Neural2-A"
    assert voices.voice_for("es", "en-US-Neural2-A") == "es-ES-Standard-A"
    assert voices.voice_for("en", "en_US-ryan-medium") == "en-GB-Standard-B"
    assert voices.voice_for("en", "en-us+f3") == "en-GB-Standard-B"
    assert voices.voice_for("eu") == "eu-ES-Standard-B"
    assert (voices.voice_for("zh-CN"), voices.voice_for("nb")) == ("cmn-CN-Standard-A", "nb-NO-Standard-A")
    assert voices.voice_for("zh", "yue-HK-Standard-A") == "cmn-CN-Standard-A"
    assert "eu" in voices.capabilities.languages
    assert voices.capabilities.needs_network
    assert not voices.capabilities.streams


async def test_a_voice_of_another_engine_is_refused_by_name() -> None:
    with pytest.raises(Exception, match="en_US-ryan-medium"):
        await engine().fingerprint(Voice("en_US-ryan-medium", "en"))


def test_what_is_free_by_class() -> None:
    plain = Settings()
    classes = ("standard", "wavenet", "neural2", "polyglot", "chirp-hd", "chirp3-hd")
    assert {plain.limit(one) for one in classes} == {1_000_000}
    assert (plain.limit("studio"), plain.limit("other"), plain.limit("news"), plain.limit("custom")) == (
        100_000,
        0,
        0,
        0,
    )
    more = Settings(free_characters=3_000_000, free_characters_by_class={"Studio": 5, "news": 7})
    assert (more.limit("standard"), more.limit("neural2")) == (3_000_000, 1_000_000), "not more than Google gives"
    assert (more.limit("studio"), more.limit("news")) == (5, 7), "what is named counts as it stands"
    assert {Settings(free_characters=0).limit(one) for one in (*classes, "studio", "")} == {0}
    with pytest.raises(ValidationError):
        Settings(free_characters_by_class={"standard": -1})


def test_long_texts_are_cut_between_words() -> None:
    found = pieces(SPANISH * 2000)
    assert len(found) == 16
    assert all(len(piece.encode()) <= 1000 for piece in found)
    assert " ".join(found).split() == (SPANISH * 2000).split()


def test_long_texts_are_cut_after_sentences_where_there_are_any() -> None:
    text = "One. " * 150 + "word " * 150 + 'He said "yes!" Then 3.5 is more.'
    found = pieces(text)
    assert found[0].endswith("One.")
    assert " ".join(found) == text
    assert pieces("Is 3.5 more?", 6) == ["Is", "3.5", "more?"]
    assert pieces('He said "yes!" Then not.', 20) == ['He said "yes!"', "Then not."]


@pytest.mark.parametrize("text", ["ñ" * 9000, "日本語です。" * 900, "🙂" * 999, "a" * 1001])
def test_texts_without_a_place_to_cut_lose_nothing(text: str) -> None:
    found = pieces(text)
    assert "".join(found) == text
    assert all(0 < len(piece.encode()) <= 1000 for piece in found)


def test_short_texts_stay_as_they_are() -> None:
    assert pieces("We close  at\nnine. Bye.") == ["We close at nine. Bye."]
    assert pieces("") == pieces(" ") == []
