"""The connection to the assistant: it reconnects by itself, tells the situation, and carries out wishes."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx

from assistant.tray.address import Address, own_token_file
from assistant.tray.menu import Wish
from assistant.tray.situation import Person, Situation, Trouble, deaf
from assistant.tray.wording import Wording

log = logging.getLogger(__name__)

FIRST_WAIT_S = 0.5

LONGEST_WAIT_S = 5.0
"""Between two attempts; each costs next to nothing."""

LOOK_EVERY_S = 15.0
"""Between two looks at what no event tells, such as a microphone that went silent or a new personality."""

QUIET_S = 40.0
"""Seconds without a byte after which the connection is dead: a heartbeat comes every 15."""

ANSWER_S = 10.0

PERSONALITIES = "/api/admin/ai-personalities"

LOOK_AFTER = ("device_lost", "device_back", "provider_state", "muted")
"""Events after which more has changed than the state."""


class Link:
    """One connection; ``run`` is its life."""

    def __init__(
        self,
        address: Address,
        say: Wording,
        changed: Callable[[Situation], None],
        told: Callable[[str, str], None],
        *,
        pause: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        """``changed`` is told each situation, ``told`` a title and what somebody asked to know; both on the loop."""
        self._address = address
        self._say = say
        self._changed = changed
        self._told = told
        self._pause = pause
        self._now = Situation(address.url)
        self._wishes: asyncio.Queue[Wish] = asyncio.Queue()
        self._look = asyncio.Event()

    def ask(self, wish: Wish) -> None:
        """To be carried out, one after the other; on the loop."""
        self._wishes.put_nowait(wish)

    async def run(self) -> None:
        """Until cancelled."""
        self._changed(self._now)
        timeout = httpx.Timeout(ANSWER_S)
        trust = self._address.trust()
        async with (
            httpx.AsyncClient(base_url=self._address.url, timeout=timeout, verify=trust, trust_env=False) as client,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self._watch(client), name="watch")
            tasks.create_task(self._look_often(client), name="look")
            tasks.create_task(self._carry_out(client), name="wishes")

    async def _watch(self, client: httpx.AsyncClient) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            token = self._address.token()
            if token:
                client.headers["Authorization"] = f"Bearer {token}"
                try:
                    async for name, data in _messages(client):
                        wait_s = FIRST_WAIT_S
                        self._take(name, data)
                    reason = self._say("reason.unreachable", url=self._address.url)
                except httpx.HTTPStatusError as error:
                    reason = self._refusal(error.response.status_code)
                except (httpx.HTTPError, json.JSONDecodeError, KeyError) as error:
                    log.debug("The connection ended: %r", error)
                    reason = self._say("reason.unreachable", url=self._address.url)
            else:
                reason = self._say("reason.no_token", file=self._token_place())
            self._is(online=False, offline_reason=reason)
            await self._pause(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    def _refusal(self, status: int) -> str:
        if status in (401, 403):
            return self._say("reason.refused", file=self._token_place())
        return self._say("reason.other", status=status)

    def _token_place(self) -> str:
        return str(self._address.files[0] if self._address.files else own_token_file())

    def _take(self, name: str, data: dict[str, Any]) -> None:
        """A message of the stream."""
        if name == "state":
            who = data["personality"]
            person = Person(who["id"], who["name"])
            if not self._now.online or person not in self._now.people:
                self._look.set()
            self._is(
                online=True, offline_reason="", state=data["state"], muted=data["muted"], person=person,
                greeting=who["greeting"],
            )  # fmt: skip
        elif data.get("event") in LOOK_AFTER:
            self._look.set()

    async def _look_often(self, client: httpx.AsyncClient) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._look.wait()
            except TimeoutError:
                pass
            self._look.clear()
            if not self._now.online:
                continue
            try:
                await self._see(client)
            except (httpx.HTTPError, KeyError, ValueError) as error:
                log.debug("A look failed: %r", error)  # the stream tells if it is gone

    async def _see(self, client: httpx.AsyncClient) -> None:
        status = await _get(client, "/api/status")
        everyone = (await _get(client, PERSONALITIES))["personalities"]
        volume = await _get(client, "/api/volume")
        if self._now.online:
            self._is(
                people=tuple(Person(one["id"], one["name"]) for one in everyone),
                deaf=deaf(status),
                trouble=tuple(Trouble(one["part"], one["reason"], one["remedy"]) for one in status["trouble"]),
                version=status["version"],
                volume_db=volume["volume_db"],
                lowest_db=volume["lowest_db"],
                highest_db=volume["highest_db"],
            )

    def _is(self, **changes: Any) -> None:
        now = replace(self._now, **changes)
        if now != self._now:
            self._now = now
            self._changed(now)

    async def _carry_out(self, client: httpx.AsyncClient) -> None:
        while True:
            wish = await self._wishes.get()
            try:
                await self._do(client, wish)
            except httpx.HTTPStatusError as error:
                self._told(self._say("product"), self._say("failed", reason=_reason(error.response)))
            except (httpx.HTTPError, KeyError, ValueError) as error:
                log.warning("%s failed: %r", wish.verb, error)
                self._told(self._say("product"), self._say("failed", reason=self._say("no_answer")))

    async def _do(self, client: httpx.AsyncClient, wish: Wish) -> None:
        if wish.verb == "incident":
            incidents = (await _get(client, "/api/health"))["incidents"]
            self._told(self._say("incident"), last_wrong(incidents) or self._say("no_incident"))
            return
        method, path, body = _request(wish)
        (await client.request(method, path, json=body)).raise_for_status()
        self._look.set()


def last_wrong(incidents: list[dict[str, Any]]) -> str:
    """When something went wrong last, and what; starts and stops are no trouble. Empty where nothing did."""
    found = next((one for one in incidents if one["level"] != "info"), None)
    if found is None:
        return ""
    at = datetime.fromisoformat(found["at"]).astimezone()
    return f"{at:%Y-%m-%d %H:%M} · {found['message']}"


def _request(wish: Wish) -> tuple[str, str, Any]:
    """What a wish is by HTTP."""
    match wish.verb:
        case "choose":
            return "POST", f"{PERSONALITIES}/{wish.value}/activate", {"at_once": True}
        case "mute" | "unmute":
            return "PUT", "/api/mute", {"muted": wish.verb == "mute"}
        case "volume":
            return "PUT", "/api/volume", {"volume_db": wish.value}
        case "test":
            return "POST", "/api/say", {"text": wish.value}
        case "stop" | "restart":
            return "POST", f"/api/{wish.verb}", None
    raise ValueError(f"{wish.verb} is nothing that the assistant does")


def _reason(response: httpx.Response) -> str:
    """What the assistant said."""
    try:
        problem = response.json()
        return f"{problem['detail']} {problem.get('remedy') or ''}".strip()
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}"


async def _get(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get(path)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


async def _messages(client: httpx.AsyncClient) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Names and data of the event stream. Raises ``httpx.HTTPError`` and ``ValueError``."""
    timeout = httpx.Timeout(ANSWER_S, read=QUIET_S)
    async with client.stream("GET", "/api/events", timeout=timeout) as response:
        response.raise_for_status()
        name = ""
        async for line in response.aiter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)
            elif not line:
                name = ""
