"""Real-time priority of one thread."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from providers.audio.priority import PRIORITY, become_urgent

pytestmark = pytest.mark.unit


def test_only_the_thread_that_asks_becomes_urgent() -> None:
    found: list[object] = []

    def ask() -> None:
        found.append(become_urgent())
        found.append((os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK, os.sched_getparam(0).sched_priority))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    if found[0] is not True:
        pytest.skip("this user may not")
    assert found[1] == (os.SCHED_RR, PRIORITY)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_the_program_s_own_thread_never_does() -> None:
    assert become_urgent() is False
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_who_may_not_goes_on_as_before() -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become somebody who may not")
    program = (
        "import os, resource, threading; from providers.audio.priority import become_urgent as ask;"
        "resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0)); os.setuid(65534);"
        "thread = threading.Thread(target=lambda: print(ask(), os.sched_getscheduler(0)));"
        "thread.start(); thread.join()"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", str(os.SCHED_OTHER)]
