"""The tray where icons go by D-Bus, as on KDE and on GNOME with its extension."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.assistant.tray.screen import Screen, screen, soon
from tests.assistant.tray.shop import PERSONALITIES, STATE, TOKEN, Shop, message
from tests.fakes.web_server import Answering, WebServer

pytestmark = [pytest.mark.slow, pytest.mark.long(1)]


@contextmanager
def serving(shop: Shop) -> Iterator[str]:
    """Its address; it answers in a thread, so that this one can wait for programs."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    url, ending = "", asyncio.Event()

    async def serve() -> None:
        nonlocal url
        async with WebServer(shop.answer) as server:
            url = server.url
            ready.set()
            await ending.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="shop")
    thread.start()
    assert ready.wait(10)
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(20)


@contextmanager
def started(screen: Screen, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    with (screen.folder / f"{words[1]}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *words], env=screen.environment | environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)


def obey(panel: subprocess.Popen[str], order: str) -> dict[str, Any]:
    assert panel.stdin
    assert panel.stdout
    panel.stdin.write(order + "\n")
    panel.stdin.flush()
    found: dict[str, Any] = json.loads(panel.stdout.readline())
    return found


def test_a_panel_shows_it_steers_with_it_and_tells_trouble() -> None:
    shop = Shop([], refuses={"/api/mute"})

    async def speaks_when_asked(answering: Answering) -> None:
        await answering.head()
        await answering.chunk(message("state", STATE))
        for _ in range(500):  # not for ever: who serves waits for this
            if shop.asked:
                break
            await asyncio.sleep(0.02)
        other = STATE["personality"] | {"id": "2", "name": "Lucía"}
        await answering.chunk(message("state", STATE | {"state": "speaking", "personality": other}))
        await answering.hang()

    shop.streams.append(speaks_when_asked)
    with tempfile.TemporaryDirectory(prefix="tray") as folder, screen(Path(folder)) as found, serving(shop) as url:
        tray = ("-m", "assistant", "tray")
        with started(found, "-m", "tests.assistant.tray.panel") as panel:
            obey(panel, "look")
            check = subprocess.run(
                [sys.executable, *tray, "--check"], env=found.environment, capture_output=True, text=True, check=True
            )
            assert "the panel takes StatusNotifier items" in check.stdout
            with started(found, *tray, "--language", "es", "--url", url, ASSISTANT_TOKEN=TOKEN) as process:
                soon(lambda: "Lucía" in obey(panel, "look")["menu"], "the menu")
                shown = obey(panel, "look")
                assert Path(shown["icon"]).name == "shop-assistant-trouble.png"
                assert shown["title"] == "Asistente de tienda: avería · Robin\nagent: It fails."
                assert shown["menu"]["Robin"]
                assert not shown["menu"]["Lucía"]
                assert not found.icon(), "it is in one place only"
                soon(lambda: obey(panel, "look")["notices"], "the notification")
                assert obey(panel, "look")["notices"] == ["Asistente de tienda: agent: It fails."]
                assert "Asistente de tienda" not in found.run("xwininfo", "-root", "-tree")
                obey(panel, f"choose {next(iter(shown['menu']))}")
                soon(
                    lambda: "Asistente de tienda" in found.run("xwininfo", "-root", "-tree"), "what is wrong, at length"
                )
                found.picture("what-is-wrong")
                assert "explain" not in (found.folder / "assistant.log").read_text(), "it is no wish to the assistant"
                window = found.run("xdotool", "search", "--onlyvisible", "--name", "Asistente de tienda").split()[0]
                left, top, width, height = found.place(window)
                found.click(left + width // 2, top + height - 15)  # "Close"
                soon(lambda: "Asistente de tienda" not in found.run("xwininfo", "-root", "-tree"), "it is closed")
                obey(panel, "choose Silenciar")
                soon(lambda: "Asistente de tienda" in found.run("xwininfo", "-root", "-tree"), "what was refused")
                assert not obey(panel, "look")["menu"]["Silenciar"], "it is not muted, whatever was clicked"
                obey(panel, "choose Lucía")
                soon(lambda: shop.asked, "the wish")
                assert shop.asked == [(f"{PERSONALITIES}/2/activate", {"at_once": True})]
                soon(lambda: obey(panel, "look")["menu"]["Lucía"], "the mark is at the other one")
                after = obey(panel, "look")
                assert not after["menu"]["Robin"]
                assert next(iter(after["menu"])) == "Hablando · Lucía"
                assert after["numbers"] == shown["numbers"], "a menu that is open stays open"
                assert Path(after["icon"]).name == "shop-assistant-speaking.png"
            assert process.returncode == 0, (found.folder / "assistant.log").read_text()
