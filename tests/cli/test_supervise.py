"""Children: restarted when they crash, stopped in time, never outliving their parent."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from penstock.cli.lifeline import VARIABLE, Lifeline
from penstock.cli.supervise import Child, ChildFailed, ChildSpec
from penstock.core.clock import SystemClock

PATIENCE_S = 30.0
FOREVER = "import signal; signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"


def child(code: str, lifeline: Lifeline, *, stop_timeout_s: float = PATIENCE_S) -> Child:
    environ = {**os.environ, VARIABLE: str(lifeline.read_fd)}
    return Child(
        ChildSpec("plane", (sys.executable, "-c", code), environ, lifeline.read_fd, stop_timeout_s), SystemClock()
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await SystemClock().sleep(0.01)


def run_with(code: str, scene: Callable[[Child], Awaitable[None]], *, stop_timeout_s: float = PATIENCE_S) -> None:
    async def main() -> None:
        lifeline = Lifeline()
        supervised = child(code, lifeline, stop_timeout_s=stop_timeout_s)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(supervised.run())
            await scene(supervised)
        assert supervised.pid is None
        lifeline.close()

    asyncio.run(main())


def test_a_child_that_is_killed_comes_back_as_another_process() -> None:
    async def scene(supervised: Child) -> None:
        await until(lambda: supervised.pid is not None)
        supervised.mark_ready()
        first = supervised.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervised.pid not in (None, first))
        assert supervised.restarts == 1
        await supervised.stop()

    run_with(FOREVER, scene)


def test_a_child_that_ignores_sigterm_is_killed_in_the_end(tmp_path: Path) -> None:
    flag = tmp_path / "up"

    async def scene(supervised: Child) -> None:
        await until(flag.exists)
        await supervised.stop()

    code = STUBBORN.replace("print('up', flush=True)", f"open({str(flag)!r}, 'w').close()")
    run_with(code, scene, stop_timeout_s=0.1)


def test_what_a_dead_child_had_started_dies_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import os, signal, subprocess, sys;"
        f"p = subprocess.Popen([sys.executable, '-c', {FOREVER!r}]);"
        f"f = open({str(note) + '.new'!r}, 'w'); f.write(str(p.pid)); f.close();"
        f"os.rename({str(note) + '.new'!r}, {str(note)!r}); signal.pause()"
    )

    async def scene(supervised: Child) -> None:
        await until(note.exists)
        supervised.mark_ready()
        grandchild = int(note.read_text())
        assert supervised.pid is not None
        os.kill(supervised.pid, signal.SIGKILL)
        await until(lambda: is_gone(grandchild))
        await supervised.stop()

    run_with(code, scene)


@pytest.mark.parametrize(("code", "exit_code"), [("raise SystemExit(2)", 2), ("raise SystemExit(3)", 1)])
def test_a_child_that_cannot_start_is_given_up(code: str, exit_code: int) -> None:
    async def main() -> None:
        lifeline = Lifeline()
        with pytest.raises(ChildFailed) as caught:
            await child(code, lifeline).run()
        assert caught.value.exit_code == exit_code
        lifeline.close()

    asyncio.run(main())


def test_children_end_within_seconds_when_their_parent_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    inner = (
        "import os, signal; from penstock.cli.lifeline import follow_parent; follow_parent(os.environ);"
        f"f = open({str(note) + '.new'!r}, 'w'); f.write(str(os.getpid())); f.close();"
        f"os.rename({str(note) + '.new'!r}, {str(note)!r}); signal.pause()"
    )
    outer = (
        "import os, signal, subprocess, sys; from penstock.cli.lifeline import Lifeline, VARIABLE; line = Lifeline();"
        f"subprocess.Popen([sys.executable, '-c', {inner!r}], pass_fds=(line.read_fd,),"
        " env={**os.environ, VARIABLE: str(line.read_fd)}, start_new_session=True);"
        "signal.pause()"
    )
    parent = subprocess.Popen([sys.executable, "-c", outer])

    async def main() -> None:
        await until(note.exists)
        parent.kill()
        parent.wait()
        await until(lambda: is_gone(int(note.read_text())))

    asyncio.run(main())


def is_gone(pid: int) -> bool:
    """Dead, or dead and not yet collected by whoever inherited it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True
