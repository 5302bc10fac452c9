"""A data plane that is told to read its file again: what it takes over, and that a broken file changes nothing."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from penstock.app.reload import Reloader
from penstock.config import Config, read
from penstock.core.clock import SystemClock

FILE = """
sim: {enabled: true}
models: {fast: {targets: [{provider: sim, model: sim}]}}
limits:
  - {name: rpm, unit: requests, amount: 5, per: minute}
"""
ENVIRON: Mapping[str, str] = {}


@dataclass
class Scene:
    """A file, a reloader that has read it, and what the reloader has taken over since."""

    file: Path
    used: list[Config] = field(default_factory=list[Config])

    def __post_init__(self) -> None:
        self.file.write_text(FILE)
        self.reloader = Reloader(read(self.file, ENVIRON), ENVIRON, SystemClock(), use=self.used.append)

    async def told(self, text: str | None = None, *, times: int = 1) -> None:
        """Change the file, say so, and wait until it has been read."""
        if text is not None:
            self.file.write_text(text)
        for _ in range(times):
            self.reloader.ask()
        await quiet(self.reloader)


async def quiet(reloader: Reloader) -> None:
    await SystemClock().sleep(0.005)  # the loop begins what was asked for
    while reloader.is_reading:
        await SystemClock().sleep(0.005)


def play(folder: Path, act: Callable[[Scene], Coroutine[None, None, None]]) -> None:
    async def run() -> None:
        made = Scene(folder / "penstock.yaml")
        made.reloader.start()
        await act(made)

    asyncio.run(run())


def amounts(config: Config) -> dict[str, int]:
    return {each.name: int(each.amount) for each in config.limits}


def test_a_changed_limit_is_taken_over_and_an_unchanged_file_is_not(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.told()
        assert scene.used == []
        await scene.told(FILE.replace("amount: 5", "amount: 7"))
        assert [amounts(each) for each in scene.used] == [{"rpm": 7}]
        await scene.told()
        assert len(scene.used) == 1
        assert scene.reloader.problems() == ()

    play(tmp_path, act)


def test_a_broken_file_changes_nothing_and_its_lines_are_named_until_it_is_mended(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        for broken, said in (
            (FILE.replace("amount: 5", "amount: 7, amonut: 1"), "penstock.yaml:5: limits.0.amonut: unknown setting"),
            (FILE.replace("amount: 5", "amount: 7.5"), "penstock.yaml:5: limits.0.amount: it must be a whole number"),
            (FILE.replace("provider: sim", "provider: nobody"), "penstock.yaml:3: models.fast.targets.0.provider"),
            (FILE + "budgets: [", "penstock.yaml:"),
        ):
            await scene.told(broken)
            assert scene.used == []
            assert any(said in problem for problem in scene.reloader.problems()), scene.reloader.problems()
        scene.file.unlink()
        await scene.told()
        assert "cannot read it" in scene.reloader.problems()[0]
        await scene.told(FILE.replace("amount: 5", "amount: 7"))
        assert len(scene.used) == 1
        assert scene.reloader.problems() == ()

    play(tmp_path, act)


def test_what_needs_a_restart_is_named_and_is_not_in_force(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        changed = FILE.replace("amount: 5", "amount: 7") + "server: {max_in_flight: 3}\n"
        await scene.told(changed)
        assert (amounts(scene.used[0]), scene.used[0].server.max_in_flight) == ({"rpm": 7}, 10_000)
        assert "needs a restart: server.max_in_flight" in scene.reloader.problems()[0]
        await scene.told(FILE.replace("amount: 5", "amount: 7"))
        assert scene.reloader.problems() == ()

    play(tmp_path, act)


def test_asked_many_times_at_once_it_ends_with_what_the_file_says_last(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        scene.reloader.ask()
        scene.file.write_text(FILE.replace("amount: 5", "amount: 8"))
        await scene.told(times=20)
        assert amounts(scene.used[-1]) == {"rpm": 8}

    play(tmp_path, act)
