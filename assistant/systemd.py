"""Tells systemd how the service is: ready, alive, what it does, that it loads its settings anew, that it ends.

The protocol is one datagram per message to ``$NOTIFY_SOCKET``: sd_notify(3).
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress

from assistant.vitals import Trouble, Vitals
from pipeline.events import EventFeed, EventRecord, Listening, ProviderState, Speaking, SpeechEnd, WakeWord
from pipeline.meters import MeteredMicrophone
from pipeline.speech import Personality

log = logging.getLogger(__name__)


IMPATIENT_S = 0.5
"""Seconds, in which the loop stands, that systemd is given to take what it must know."""


class Notifier:
    """The way to systemd, which takes ten messages at a time: what only informs is lost where it is too busy."""

    def __init__(self, address: str, watchdog_s: float | None = None) -> None:
        """``address`` as in ``$NOTIFY_SOCKET``."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_s = watchdog_s
        """Seconds within which systemd wants to be told that we are alive; None where it does not care."""

    @classmethod
    def taken_from(cls, environment: MutableMapping[str, str]) -> Notifier | None:
        """As systemd told us; None where it did not start us. Nothing is left for programs that we start."""
        address = environment.pop("NOTIFY_SOCKET", "")
        wanted_us, for_process = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        if not address.startswith(("/", "@")):
            return None
        mine = for_process in {"", str(os.getpid())}
        return cls(address, int(wanted_us) / 1e6 if mine and wanted_us.isdigit() and int(wanted_us) else None)

    def ready(self) -> None:
        """It listens."""
        self._send("READY=1", IMPATIENT_S)

    def alive(self) -> None:
        """It is well: the watchdog's time begins anew."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """What ``systemctl status`` shows, one line."""
        self._send(f"STATUS={' '.join(text.split())}")

    def reloading(self) -> None:
        """It takes its settings anew; ``ready`` follows."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}", IMPATIENT_S)

    def stopping(self) -> None:
        """It ends."""
        self._send("STOPPING=1", IMPATIENT_S)

    def more_time(self, seconds: float) -> None:
        """Starting or stopping goes on: it must not be given up before so many seconds have passed."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")

    def _send(self, message: str, wait_s: float = 0.0) -> None:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as end:
            end.settimeout(wait_s)
            end.sendto(message.encode(), self._address)


TICKS = 4
"""How often we look within the watchdog's time: one look may fail, or be late."""

LOOK_EVERY_S = 5.0
"""Seconds between two looks at most."""

MORE_S = 60.0
"""Seconds that systemd is asked for, again and again, while the start waits for something."""


class Supervision:
    """Tells systemd how one conversation goes, from its first frame to its end."""

    def __init__(
        self,
        notifier: Notifier,
        vitals: Vitals,
        microphone: MeteredMicrophone,
        feed: EventFeed,
        active: Callable[[], Personality],
        missing: Callable[[], Mapping[str, object]] = dict,
    ) -> None:
        """``active`` says who speaks, for the status line; ``missing`` which devices are waited for: ``microphone``,
        ``speaker``, each with a line that says why and since when. Silence stands in for such a microphone.
        """
        self._notifier = notifier
        self._vitals = vitals
        self._microphone = microphone
        self._feed = feed
        self._active = active
        self._missing = missing
        self._doing = ""
        self._failing: dict[str, str] = {}
        self._trouble: Trouble | None = None
        self._told = ""

    async def run(self, voice_ready: asyncio.Event) -> None:
        """For ever: READY when sound comes in and the voice is loaded, then the watchdog as long as all is well."""
        ends = [self._feed.subscribe(self._vitals), self._feed.subscribe(self._observe)]
        try:
            await self._until_ready(voice_ready)
            await self._watch()
        finally:
            for end in ends:
                end()

    async def _until_ready(self, voice_ready: asyncio.Event) -> None:
        frames = asyncio.Event()
        end = self._microphone.tap(lambda _: None if "microphone" in self._missing() else frames.set())
        waiting = f"Waiting for sound from the microphone {self._microphone.capabilities.name}."
        try:
            await self._wait(frames, lambda: str(self._missing().get("microphone", waiting)))
        finally:
            end()
        await self._wait(voice_ready, lambda: "Loading the voice.")
        self._notifier.ready()
        self._tell()

    async def _wait(self, event: asyncio.Event, status: Callable[[], str]) -> None:
        """However long it takes: a kiosk may be switched on before its microphone."""
        while not event.is_set():
            self._notifier.status(status())
            self._notifier.more_time(MORE_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(MORE_S / TICKS):
                    await event.wait()

    async def _watch(self) -> None:
        watchdog_s = self._notifier.watchdog_s or TICKS * LOOK_EVERY_S
        every_s = min(watchdog_s / TICKS, LOOK_EVERY_S)
        now = asyncio.get_running_loop().time
        while True:
            before_s = now()
            await asyncio.sleep(every_s)
            self._look(now() - before_s - every_s)

    def _look(self, late_s: float) -> None:
        trouble = self._vitals.trouble(late_s)
        if trouble is None:
            self._notifier.alive()
        if (trouble and trouble.remedy) != (self._trouble and self._trouble.remedy):
            if trouble is not None:
                log.error("%s systemd starts the assistant again if this lasts.", trouble)
            else:
                log.warning("The assistant serves customers again.")
            self._trouble = trouble  # as it began: seconds that go on counting are no news
        self._tell()

    def _observe(self, record: EventRecord) -> None:
        """The next event, as a technician would tell it."""
        match record.event:
            case Listening():
                self._doing = ""
            case WakeWord():
                self._doing = "A customer is speaking."
            case SpeechEnd():
                self._doing = "Thinking."
            case Speaking(provider=provider):
                self._doing = f"Speaking with {provider}."
            case ProviderState(provider=provider, state=state, reason=reason):
                self._failing.pop(provider, None)
                if state == "failing":
                    self._failing[provider] = reason
        if self._told:  # before, it is not ready
            self._tell()

    def _tell(self) -> None:
        missing = " ".join(str(one) for one in self._missing().values())
        doing = str(self._trouble or missing or self._doing or f"Listening as {self._active().name}.")
        failing = "; ".join(f"{name} fails: {reason}" for name, reason in self._failing.items())
        status = f"{doing} {failing}".strip()
        if status != self._told:
            self._told = status
            self._notifier.status(status)
