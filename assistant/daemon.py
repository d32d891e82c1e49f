"""The assistant as it runs for weeks: it takes its settings anew when told to, and tells systemd how it is."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable

from assistant.app import App
from assistant.parts import Companion, Ends, Memory
from assistant.running import Renewed, run
from assistant.systemd import MORE_S, Notifier
from pipeline.errors import AssistantError

log = logging.getLogger(__name__)


class Daemon:
    """One assistant after another, each with newer settings; all tell the same observers."""

    def __init__(
        self,
        app: App,
        ends: Ends,
        notifier: Notifier | None,
        anew: Callable[[], App],
        companion: Callable[[App, Memory], Companion] | None = None,
    ) -> None:
        """``anew`` makes the assistant that the settings file describes now; it raises ``SettingsError``."""
        self._app = app
        self._ends = ends
        self._notifier = notifier
        self._anew = anew
        self._companion = companion
        self._stopping = False
        self._before: App | None = None
        """The one whose settings are known to work, until those of the new one are."""

    async def run(self) -> None:
        """As ``running.run``; where systemd started us, SIGHUP takes the settings anew instead of ending it."""
        notifier = self._notifier
        if notifier is None:
            await run(self._app, self._ends, self._companion)
            return
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop() -> None:
            if not self._stopping:
                notifier.stopping()
            self._stopping = True
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        loop.add_signal_handler(signal.SIGHUP, self._renew)
        notifier.status("Loading models.")
        notifier.more_time(MORE_S)
        await self._one_after_another(notifier)
        notifier.stopping()

    async def _one_after_another(self, notifier: Notifier) -> None:
        while True:
            self._app.notifier = notifier
            try:
                await run(self._app, self._ends, self._companion)
            except Renewed:
                assert self._before is not None
                log.info("The settings are taken anew.")
            except AssistantError as error:
                if self._before is None or self._app.opened:
                    raise
                log.error("The assistant cannot work with the new settings, so it goes on with those before. %s", error)
                self._app, self._before = self._again(self._before), None
            else:
                return

    def _renew(self) -> None:
        """Check the new settings at once; go on with them as soon as nobody speaks."""
        notifier = self._notifier
        assert notifier is not None
        notifier.reloading()
        notifier.more_time(MORE_S)
        try:
            following = self._anew()
        except AssistantError as error:
            log.error("The settings stay as they were. %s", error)
            notifier.ready()
            return
        following.incidents = self._app.incidents
        self._before, before = self._app, self._app
        self._app = following
        before.renew.set()

    @staticmethod
    def _again(app: App) -> App:
        again = App(app.settings, app.folder, app.feed)
        again.incidents = app.incidents
        return again
