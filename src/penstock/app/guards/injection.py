"""The guard against injections, made for one model: requests, answers, and how a request is written."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from penstock.config.guards import GuardAction, InjectionSettings
from penstock.core.errors import ConfigError
from penstock.core.exchange import Exchange
from penstock.guard.fencing import FenceStage, Fencing
from penstock.guard.injection.answers import AnswerChecks, Heard
from penstock.guard.injection.find import ACT_AT, InjectionDetector
from penstock.guard.stage import guarded
from penstock.guard.verdict import UNTRUSTED, Finding, Segment
from penstock.guard.ward import Detect, Ward

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder

_LINK_AT = 0.7
_ARGUMENT_AT = 0.9
"""What only an untrusted text names is often what the tool was asked for; where an attack stands in it, it is not."""


class Injection:
    """One model's.  Without an encoder the wording alone is weighed.  Raises `ConfigError`."""

    def __init__(self, settings: InjectionSettings, encoder: "Encoder | None", fences: FenceStage) -> None:
        self._settings = settings
        self._fences = fences
        self._has_encoder = encoder is not None
        if encoder is None:
            self._detector = InjectionDetector()
            return
        from penstock.guard.injection.head import load_head  # noqa: PLC0415 - numpy, of an extra that not everybody has

        head = load_head()
        if head.encoder_sha256 != encoder.weights_sha256:
            raise ConfigError("the injection head was trained on another encoder: it cannot be used with this one")
        self._detector = InjectionDetector(head)

    def wards(self) -> Iterator[Ward]:
        """For requests: what users say by its wording, what nobody here has written by what it means too."""
        if self._settings.mode == "off":
            return
        detector = self._detector
        yield self._ward(lambda segment, _: detector.find(segment), asks_for=lambda segment: segment.trust == "user")
        yield self._ward(detector.find, asks_for=lambda segment: segment.trust in UNTRUSTED, reads=self._has_encoder)

    def asked(self) -> Iterator[Ward]:
        """For answers."""
        if self._settings.mode == "off":
            return
        settings = self._settings
        yield Ward(
            guard="injection",
            mode="shadow" if settings.mode == "shadow" else "enforce",
            fail=settings.fail,
            action=self._on_answer,
            ask_anew=lambda: partial(self._ask, Heard()),
            stream=settings.stream,
        )

    async def _ask(self, heard: Heard, exchange: Exchange, segments: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
        left = guarded(exchange)
        if left is None:
            return [() for _ in segments]
        if left.checks is None:
            settings = self._settings
            left.checks = AnswerChecks(
                exchange,
                hosts=frozenset(settings.hosts),
                tools=None if settings.tools is None else frozenset(settings.tools),
                canary=self._fences.canary(exchange) if settings.canary else None,
                flagged=left.flagged,
            )
        return [left.checks.find(each, heard) for each in segments]

    def _on_request(self, finding: Finding) -> GuardAction:
        least = self._settings.threshold if self._settings.threshold is not None else ACT_AT
        return self._settings.action if finding.score >= least else "allow"

    def _on_answer(self, finding: Finding) -> GuardAction:
        match finding.rule:
            case "injection.link":
                return self._settings.links if finding.score >= _LINK_AT else "allow"
            case "injection.argument" | "injection.tool":
                return self._settings.arguments if finding.score >= _ARGUMENT_AT else "allow"
            case _:
                return self._settings.action

    def _ward(self, detect: Detect, *, asks_for: Callable[[Segment], bool], reads: bool = False) -> Ward:
        settings = self._settings
        return Ward(
            guard="injection",
            mode="shadow" if settings.mode == "shadow" else "enforce",
            fail=settings.fail,
            action=self._on_request,
            detect=detect,
            asks_for=lambda segment: segment.is_said and asks_for(segment),
            reads=reads,
            stream=settings.stream,
        )


def fencing(settings: InjectionSettings | None) -> Fencing | None:
    """How a model's requests are written; None where they go as they are."""
    if settings is None or settings.mode != "enforce" or not (settings.fence or settings.canary):
        return None
    return Fencing(fences=settings.fence, has_canary=settings.canary)
