"""The contract suite over all agents and the fake."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pipeline.protocols import Agent
from providers.agent import command, echo, faq, http, openai
from providers.agent.limits import AgentSettings
from providers.registry import Resources
from tests.contracts.agent import AgentContract, Day, SourcedAgentContract, Subject
from tests.fakes.agent import FakeAgent
from tests.fakes.web_server import Answering, Request, WebServer

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]
GOOD = ["We close ", "at nine. ", "Good ", "bye."]
FLOOD = "This sentence is said again and again. " * 2600


class PlainSubject:
    agent: Agent

    def __init__(self, agent: Agent | None = None) -> None:
        if agent is not None:
            self.agent = agent

    def behave(self, day: Day) -> None:
        raise NotImplementedError

    async def quiet(self) -> None:
        pass

    def told(self) -> None:
        return None


class TestEcho(AgentContract):
    @asynccontextmanager
    async def opened(self, limits: dict[str, float]) -> AsyncIterator[Subject]:
        async with echo.create(echo.Settings(**limits), Resources(models=None)) as agent:
            yield PlainSubject(agent)


class TestFaq(AgentContract):
    @asynccontextmanager
    async def opened(self, limits: dict[str, float]) -> AsyncIterator[Subject]:
        async with faq.create(faq.Settings(**limits), Resources(models=None, folder=ROOT)) as agent:
            yield PlainSubject(agent)


class FakeSubject(PlainSubject):
    agent: FakeAgent

    def behave(self, day: Day) -> None:
        self.agent.hang_after = {Day.HANGS: 0, Day.STALLS: 1}.get(day)
        self.agent.fail_after = {Day.FAILS: 0, Day.DIES: 1}.get(day)
        self.agent.pieces = {Day.NOTHING: [" "], Day.FLOODS: [FLOOD]}.get(day, GOOD)

    def told(self) -> tuple[str, list[tuple[str, str]]]:
        transcript, _, history = self.agent.asked[-1]
        return transcript.text, [(one.customer_text, one.heard_text) for one in history]


class TestFake(SourcedAgentContract):
    @asynccontextmanager
    async def opened(self, limits: dict[str, float]) -> AsyncIterator[Subject]:
        async with FakeAgent(GOOD, AgentSettings(**limits)) as agent:
            yield FakeSubject(agent)


class WebSubject(PlainSubject):
    server: WebServer
    day = Day.GOOD

    def behave(self, day: Day) -> None:
        self.day = day

    async def quiet(self) -> None:
        await self.server.idle()

    def told(self) -> tuple[str, list[tuple[str, str]]]:
        request = self.server.requests[-1].json
        return request["text"], [(one["customer"], one["assistant"]) for one in request["history"]]

    async def script(self, request: Request, answering: Answering) -> None:
        await answering.head(self.content_type)
        pieces = {Day.NOTHING: ["  "], Day.FLOODS: [FLOOD]}.get(self.day, GOOD)
        if self.day is Day.HANGS:
            await answering.hang()
            return
        if self.day is Day.FAILS:
            await answering.chunk(self.failure(f"I cannot say {request.body.decode()}"))
            await answering.end()
            return
        for piece in pieces:
            await answering.chunk(self.event(piece))
            if self.day is Day.STALLS:
                await answering.hang()
                return
            if self.day is Day.DIES:
                answering.break_off()
                return
        await answering.chunk(self.last)
        await answering.end()

    content_type = "application/x-ndjson"
    last = "\n"

    def event(self, piece: str) -> str:
        return json.dumps({"text": piece}) + "\n"

    def failure(self, message: str) -> str:
        return json.dumps({"error": message}) + "\n"


class TestHttp(SourcedAgentContract):
    @asynccontextmanager
    async def opened(self, limits: dict[str, float]) -> AsyncIterator[Subject]:
        subject = WebSubject()
        async with WebServer(subject.script) as subject.server:
            settings = http.Settings(url=subject.server.url + "/answer", **limits)
            async with http.create(settings, Resources(models=None)) as subject.agent:
                yield subject


class OpenAiSubject(WebSubject):
    content_type = "text/event-stream"
    last = "data: [DONE]\n\n"

    def event(self, piece: str) -> str:
        return "data: " + json.dumps({"choices": [{"delta": {"content": piece}}]}) + "\n\n"

    def failure(self, message: str) -> str:
        return "data: " + json.dumps({"error": {"message": message}}) + "\n\n"

    def told(self) -> tuple[str, list[tuple[str, str]]]:
        _, *turns, question = self.server.requests[-1].json["messages"]
        pairs = zip(turns[::2], turns[1::2], strict=True)
        return question["content"], [(one["content"], other["content"]) for one, other in pairs]


class TestOpenAi(SourcedAgentContract):
    @asynccontextmanager
    async def opened(self, limits: dict[str, float]) -> AsyncIterator[Subject]:
        subject = OpenAiSubject()
        async with WebServer(subject.script) as subject.server:
            settings = openai.Settings(base_url=subject.server.url + "/v1", model="tiny", **limits)
            async with openai.create(settings, Resources(models=None)) as subject.agent:
                yield subject


PROGRAM = """
import json, os, pathlib, signal, subprocess, sys, time
folder = pathlib.Path(sys.argv[1])
day = (folder / "day").read_text()
request = sys.stdin.read()
(folder / "request").write_text(request)
child = subprocess.Popen(["sleep", "1000"]) if day in ("HANGS", "STALLS") else None
with (folder / "pids").open("a") as file:
    print(os.getpid(), *([child.pid] if child else []), file=file)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if day == "HANGS":
    time.sleep(1000)
if day == "FAILS":
    sys.exit("I cannot say " + request)
for piece in {"NOTHING": [" "], "FLOODS": [(folder / "flood").read_text()]}.get(day, json.loads(sys.argv[2])):
    print(piece, end="", flush=True)
    if day == "STALLS":
        time.sleep(1000)
    if day == "DIES":
        os.kill(os.getpid(), signal.SIGSEGV)
"""


class CommandSubject(PlainSubject):
    def __init__(self, agent: Agent, folder: Path) -> None:
        super().__init__(agent)
        self.folder = folder

    def behave(self, day: Day) -> None:
        (self.folder / "day").write_text(day.name)

    async def quiet(self) -> None:
        pids = self.folder / "pids"
        for pid in pids.read_text().split() if pids.exists() else []:
            while _lives(int(pid)):
                await asyncio.sleep(0)

    def told(self) -> tuple[str, list[tuple[str, str]]]:
        request = json.loads((self.folder / "request").read_text())
        return request["text"], [(one["customer"], one["assistant"]) for one in request["history"]]


def _lives(pid: int) -> bool:
    """Also false for a zombie that an ancestor of the tests has yet to collect."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class TestCommand(SourcedAgentContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        (tmp_path / "flood").write_text(FLOOD)
        (tmp_path / "program.py").write_text(PROGRAM)

    @asynccontextmanager
    async def opened(self, limits: dict[str, float]) -> AsyncIterator[Subject]:
        descriptors = set(Path("/proc/self/fd").iterdir())
        argv = [sys.executable, "-S", "-E", "program.py", str(self.folder), json.dumps(GOOD)]
        settings = command.Settings(command=argv, **limits)
        async with command.create(settings, Resources(models=None, folder=self.folder)) as agent:
            subject = CommandSubject(agent, folder=self.folder)
            subject.behave(Day.GOOD)
            yield subject
        await subject.quiet()
        assert set(Path("/proc/self/fd").iterdir()) <= descriptors
