"""Contents in a data plane, put together from the configuration; None where nothing is kept."""

from collections.abc import Callable, Sequence
from pathlib import Path

from penstock.admission.keys import open_hasher
from penstock.app.guards.vault import sealer_of
from penstock.config.contents import ContentPolicy, policy_of
from penstock.config.datadir import DataDir
from penstock.config.types import Config
from penstock.core.answer import Answer
from penstock.core.clock import Clock
from penstock.core.events import Event
from penstock.core.exchange import Exchange
from penstock.core.ports import Stage
from penstock.flow.fold import Fold
from penstock.guard.personal.vault.sealing import CannotOpen, Sealer
from penstock.watch.contents.marks import Marker
from penstock.watch.contents.opening import Opening
from penstock.watch.contents.outbox import FOLDER, ContentOutbox, Maker
from penstock.watch.contents.sealing import Sealed
from penstock.watch.contents.stage import AnsweredStage, AskedStage, BeginStage
from penstock.watch.journal import JournalFile
from penstock.watch.segment import segments

_WORDS = b"penstock contents words 1"


class PlaneContents:
    """`start` once, `stop` once, after the last exchange has settled.  Without an `outbox` nothing is kept."""

    def __init__(self, config: Config, may_rest: Callable[[Exchange], bool], outbox: ContentOutbox | None) -> None:
        from penstock.app.contents.masking import shows_refused  # noqa: PLC0415 - all rules of personal data

        self._outbox = outbox
        take = None if outbox is None else outbox.offer
        begin = BeginStage(policies_of(config), may_rest, shows_refused(config), take)
        self.before_guards: tuple[Stage, ...] = (begin,)
        self.behind_guards: tuple[Stage, ...] = (AskedStage(),)
        self.last: tuple[Stage, ...] = (AnsweredStage(),)

    def start(self) -> None:
        if self._outbox is not None:
            self._outbox.start()

    def stop(self) -> None:
        """Waits until what was offered is written, for seconds at most."""
        if self._outbox is not None:
            self._outbox.stop()

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        return () if self._outbox is None else self._outbox.problems()

    def gauges(self) -> tuple[tuple[str, str, float], ...]:
        """For `/metrics`: name, meaning, value."""
        outbox = self._outbox
        if outbox is None:
            return ()
        return (
            ("penstock_contents_kept", "Exchanges whose contents this process has kept.", outbox.kept),
            ("penstock_contents_dropped", "Exchanges for whose contents there was no room.", outbox.dropped),
            ("penstock_contents_waiting", "Contents that are still to be written to the outbox.", outbox.waiting),
        )


def open_contents(
    config: Config, data_dir: DataDir, clock: Clock, may_rest: Callable[[Exchange], bool]
) -> PlaneContents | None:
    """Everything but running.  Raises `ConfigError` where it cannot be masked or sealed."""
    if not is_kept(config):
        return None
    from penstock.app.contents.masking import OneWay  # noqa: PLC0415 - all rules of personal data

    maker = Maker(folded, OneWay(config).of, open_opening(config, data_dir).sealed)

    def open_file(folder: Path) -> JournalFile:
        return JournalFile(folder, clock=clock, fsync="never")

    outbox = ContentOutbox(data_dir.root / FOLDER, maker, open_file, _waiting_in, clock)
    return PlaneContents(config, may_rest, outbox)


def contents_of_file(config: Config, may_rest: Callable[[Exchange], bool]) -> PlaneContents | None:
    """Keeps nothing: for `explain`."""
    return PlaneContents(config, may_rest, None) if is_kept(config) else None


def open_opening(config: Config, data_dir: DataDir) -> Opening:
    """What opens contents and knows their marks.  Raises `ConfigError` where the secret is damaged."""
    open_hasher(data_dir)
    return opening_of(sealer_of(config, bytes.fromhex(data_dir.secret.read_text("ascii").strip())))


def opening_of(sealer: Sealer) -> Opening:
    """The same with keys that are known."""
    return Opening(Sealed(sealer, CannotOpen), Marker(lambda tenant: sealer.derived(tenant, _WORDS)))


def is_kept(config: Config) -> bool:
    """Whether anything may be kept of anybody."""
    overrides = [*config.contents.tenants.values(), *(model.contents for model in config.models.values())]
    keeps = [config.contents.keep, *(each.keep for each in overrides if each is not None)]
    return any(keep not in {None, "none"} for keep in keeps)


def policies_of(config: Config) -> Callable[[str, str], ContentPolicy | None]:
    """What holds for a model and a tenant, made once for each pair that the configuration tells apart."""
    known: dict[tuple[str, str], ContentPolicy | None] = {}
    models, tenants = config.models, config.contents.tenants

    def found(model: str, tenant: str) -> ContentPolicy | None:
        place = (model if model in models else "", tenant if tenant in tenants else "")
        if place not in known:
            of_model = models[model].contents if model in models else None
            known[place] = policy_of(config.contents, of_model, tenants.get(tenant))
        return known[place]

    return found


def folded(events: Sequence[Event]) -> Answer:
    """A `watch.contents.content.Fold`."""
    fold = Fold()
    fold.feed(events)
    return fold.answer()


def _waiting_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in segments(folder))
