"""The tray as a program: GTK on the main thread, the connection on another."""

from __future__ import annotations

import asyncio
import logging
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from assistant.tray.address import Address
from assistant.tray.desktop import Desktop, Kind, findings
from assistant.tray.link import Link
from assistant.tray.menu import Wish, menu
from assistant.tray.notices import Notices
from assistant.tray.session import session_folder
from assistant.tray.situation import Situation
from assistant.tray.wording import Wording
from pipeline.errors import DeviceMissing

log = logging.getLogger(__name__)

NOTICE_EVERY_S = 5
"""Between two looks at whether the assistant has been away for long."""


def run(address: Address, say: Wording, desktop: Desktop) -> None:
    """Until somebody closes it. Raises ``DeviceMissing`` where this desktop can show no icon, ever."""
    missing = [one for one in findings(desktop) if not one.works and one.needed]
    if desktop.kind is None:
        raise DeviceMissing(f"No icon can be shown: {missing[0].reason}.", remedy=missing[0].remedy)
    for one in missing:
        log.warning("Nobody shows the icon yet: %s. %s", one.reason, one.remedy)
    # GTK ends the program on the spot where the screen goes; what is left behind then goes with the session.
    with tempfile.TemporaryDirectory(prefix="shop-assistant-tray-", dir=session_folder()) as folder:
        _Program(address, say, desktop.kind, Path(folder)).run()


class _Program:
    def __init__(self, address: Address, say: Wording, kind: Kind, folder: Path) -> None:
        from assistant.tray import icons, window

        self._window = window
        self._say = say
        self._address = address
        self._files = icons.write_icons(folder)
        self._icon = window.Icon(kind, self._files, say("product"), self._chosen)
        self._notices = Notices(say, time.monotonic)
        self._now = Situation(address.url)
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self._crash: ExceptionGroup[Exception] | None = None
        self._link = Link(address, say, self._on_screen(self._show), self._on_screen(self._icon.tell))
        self._show(self._now)

    def run(self) -> None:
        from gi.repository import GLib, Gtk

        thread = threading.Thread(target=self._connect, name="tray-link")
        thread.start()
        try:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                # Not sooner than GTK's own events: under Wayland it would wait for itself for ever.
                GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, Gtk.main_quit)
            GLib.timeout_add_seconds(NOTICE_EVERY_S, self._notify)
            Gtk.main()
        finally:
            with suppress(RuntimeError):  # the thread has ended before
                self._loop.call_soon_threadsafe(self._ending.set)
            thread.join()
        if self._crash is not None:
            raise self._crash

    def _connect(self) -> None:
        """The thread of the connection."""
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._linked())
        except ExceptionGroup as error:
            self._crash = error
        finally:
            self._on_screen(self._quit)()

    async def _linked(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            link = tasks.create_task(self._link.run(), name="link")
            await self._ending.wait()
            link.cancel()

    def _on_screen(self, work: Callable[..., None]) -> Callable[..., None]:
        """``work`` on GTK's thread."""
        from gi.repository import GLib

        def once(*values: Any) -> bool:
            work(*values)
            return False  # not again

        return lambda *values: GLib.idle_add(once, *values) and None

    def _show(self, now: Situation) -> None:
        self._now = now
        self._icon.show(now.mode, now.tooltip(self._say), menu(now, self._say))
        self._notify()

    def _notify(self) -> bool:
        for one in self._notices.after(self._now):
            self._window.notify(one.title, one.text, self._files[self._now.mode])
        return True  # again

    def _quit(self) -> None:
        from gi.repository import Gtk

        Gtk.main_quit()

    def _chosen(self, wish: Wish) -> None:
        say = self._say
        if wish.verb == "quit":
            self._quit()
        elif wish.verb == "panel":
            self._window.open_page(f"{self._address.url}/")
        elif wish.verb == "explain":
            self._icon.tell(say("product"), self._now.tooltip(say))
        elif wish.verb == "about":
            known = self._now.version or say("unknown")
            text = say("about_text", tray=version("shop-assistant"), assistant=known, url=self._address.url)
            self._icon.tell(say("product"), text)
        else:
            self._loop.call_soon_threadsafe(self._link.ask, wish)
