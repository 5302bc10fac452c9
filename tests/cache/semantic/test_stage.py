"""The stage on its event loop: what it does where its one thread falls behind."""

import asyncio
import threading
from typing import Any, cast

import numpy as np
from tests.cache.scene import ALICE, Scene, question
from tests.cache.semantic.made import WEIGHTS, WIDTH

from penstock.cache.key import Keys
from penstock.cache.policy import Policy
from penstock.cache.semantic.cache import SemanticCache
from penstock.cache.semantic.stage import Parts, SemanticPolicy, SemanticStage
from penstock.config.cache import CacheSettings, ExactSettings
from penstock.config.cache.semantic import SemanticSettings
from penstock.core.exchange import Exchange
from penstock.core.facts import CacheMissed
from penstock.core.ids import new_exchange_id
from penstock.encoder.executor import Encoder
from penstock.encoder.model import Encoded, Model


class _Reads:
    """In the model's place: every text has the same vectors."""

    def encode(self, text: str) -> Encoded:
        vector = np.zeros(WIDTH, np.float32)
        vector[0] = 1.0
        return Encoded(vector, vector[None, :], ((0, len(text)),))


class _Slow(SemanticCache):
    """Its lookups wait until the test lets them go."""

    def __init__(self) -> None:
        super().__init__(WEIGHTS, width=WIDTH)
        self.go = threading.Event()

    def find(self, *given: Any, **named: Any) -> Any:
        self.go.wait()
        return super().find(*given, **named)


def test_a_request_goes_on_at_once_where_too_many_wait_for_a_lookup() -> None:
    async def run() -> tuple[int, list[str]]:
        scene = Scene()
        settings = CacheSettings(exact=ExactSettings(), semantic=SemanticSettings())
        assert settings.exact is not None
        policy = SemanticPolicy(Policy(settings, settings.exact, "a fingerprint"), SemanticSettings())
        cache = _Slow()
        encoder = Encoder(cast("Model", _Reads()))
        parts = Parts(
            cache, encoder, Keys(b"a secret of the installation"), scene.shelf, scene.clock, scene.cache.may_have
        )
        stage = SemanticStage({"sim": policy}, parts)

        def asked() -> Exchange:
            return Exchange(
                id=new_exchange_id(scene.clock),
                principal=ALICE,
                request=question("where is the parcel"),
                dialect="openai-chat",
                started_at=0.0,
                began_s=0.0,
                deadline_s=60.0,
                gone_policy="abort",
            )

        await encoder.encode("where is the parcel")
        exchanges = [asked() for _ in range(20)]
        tasks = [asyncio.get_running_loop().create_task(stage.enter(each)) for each in exchanges]
        await scene.clock.settle()
        went_on = sum(task.done() for task in tasks)
        cache.go.set()
        await asyncio.gather(*tasks)
        again = asked()
        await stage.enter(again)
        stage.close()
        encoder.close()
        facts = [fact for each in (*exchanges, again) for fact in each.facts if isinstance(fact, CacheMissed)]
        return went_on, [fact.reason for fact in facts]

    went_on, reasons = asyncio.run(run())
    assert went_on == 4
    assert reasons.count("lookups_busy") == 4
    assert reasons[-1] == "nothing_near"
