"""The shop's volume is kept over restarts, and whatever is wrong with the disk, answers are heard."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.sections import LoudnessSection
from assistant.volume import FILE, Volume

pytestmark = pytest.mark.unit


def volume(folder: Path) -> Volume:
    return Volume(LoudnessSection(volume_db=3.0), folder)


def test_what_was_set_goes_before_the_settings_after_a_restart(tmp_path: Path) -> None:
    assert volume(tmp_path / "data").loudness.gain_db == 3.0
    volume(tmp_path / "data").set(-7.5)
    assert volume(tmp_path / "data").loudness.gain_db == -7.5
    assert [file.name for file in (tmp_path / "data").iterdir()] == [FILE]


@pytest.mark.parametrize("text", ["", "loud", "nan", "1e999", "-400", "\udcff"])
def test_a_damaged_file_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, "utf-8", "surrogateescape")
    assert volume(tmp_path).loudness.gain_db == 3.0


def test_where_it_cannot_be_kept_it_is_set_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "data").write_text("no folder")
    kept = volume(tmp_path / "data")
    kept.set(6.0)
    assert kept.loudness.gain_db == 6.0
    assert "The volume cannot be kept" in caplog.text


def test_the_settings_arrive(tmp_path: Path) -> None:
    section = LoudnessSection(follow_noise=True, quiet_room_db=-60.0, follow_most_db=4.0)
    loudness = Volume(section, tmp_path).loudness
    loudness.hear_room(-56.0)
    assert loudness.gain_db == 2.0
    loudness.hear_room(0.0)
    assert loudness.gain_db == 4.0
