"""The fast transport: the dialects by themselves, joined as the engine joins them, with no socket between.

It shows what the wire and provider rooms do to an answer; `over_http` shows the same for the running program.
"""

from collections.abc import Mapping
from typing import cast

from msgspec import structs

from evaluation.conformance.cutting import Cutting, pieces
from evaluation.conformance.recordings import Recording
from evaluation.conformance.replay import Seen
from penstock.core.chat import ChatRequest, Dialect, Request
from penstock.core.errors import PenstockError
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeId
from penstock.core.json import JsonObject, dumps, loads
from penstock.core.ports import ClientDialect
from penstock.flow.fold import Fold
from penstock.providers.dialect import Decoder, Endpoint, UpstreamDialect


class InProcess:
    """Implements `Transport` over `clients` and `providers`, each by the name of its dialect."""

    def __init__(
        self,
        clients: Mapping[Dialect, ClientDialect],
        providers: Mapping[Dialect, UpstreamDialect],
        endpoints: Mapping[tuple[Dialect, str], Endpoint],
    ) -> None:
        self._clients = clients
        self._providers = providers
        self._endpoints = endpoints

    def model_for(self, recording: Recording, cutting: Cutting) -> str:
        del cutting
        model = (recording.request or {}).get("model")
        return model if isinstance(model, str) else "recorded"

    async def answer(self, client: Dialect, request: JsonObject, recording: Recording, cutting: Cutting) -> Seen:
        speaker, provider = self._clients[client], self._providers[recording.dialect]
        endpoint = self._endpoints[recording.dialect, recording.vendor]
        provider_got: JsonObject | None = None
        try:
            parsed = wanted = speaker.parse(dumps(request))
            if cutting == "folded" and isinstance(parsed, ChatRequest):
                parsed = structs.replace(parsed, stream=True, include_usage=True)
            call = provider.encode(parsed, parsed.model, endpoint, now=1.0)
            provider_got = cast("JsonObject", loads(call.body))
            if recording.status >= 400:
                raise provider.error(recording.status, dict(recording.headers), recording.content())
        except PenstockError as error:
            return _refused(speaker, error, provider_got)
        exchange = _exchange(wanted)
        decoder = provider.decoder(parsed, endpoint)
        if wanted.stream:
            return _streamed(speaker, exchange, decoder, pieces(recording, recording.content(), cutting), provider_got)
        return _whole(speaker, exchange, decoder, pieces(recording, recording.content(), cutting), provider_got)


def _whole(
    speaker: ClientDialect, exchange: Exchange, decoder: Decoder, cut: list[bytes], provider_got: JsonObject
) -> Seen:
    fold = Fold()
    try:
        for piece in cut:
            fold.feed(decoder.feed(piece))
        fold.feed(decoder.finish())
    except PenstockError as error:
        return _refused(speaker, error, provider_got)
    return Seen(200, speaker.encode(fold.answer(), exchange), provider_got)


def _streamed(
    speaker: ClientDialect, exchange: Exchange, decoder: Decoder, cut: list[bytes], provider_got: JsonObject
) -> Seen:
    encoder = speaker.stream(exchange)
    sent: list[bytes] = []
    has_begun = False
    try:
        for piece in [*cut, None]:
            events = decoder.finish() if piece is None else decoder.feed(piece)
            has_begun = has_begun or bool(events)
            if events:
                sent.append(encoder.feed(events))
    except PenstockError as error:
        if not has_begun:
            return _refused(speaker, error, provider_got)
        exchange.end, exchange.error = "upstream_failed", error
        return Seen(200, b"".join([*sent, encoder.fail(exchange)]), provider_got)
    return Seen(200, b"".join([*sent, encoder.finish()]), provider_got)


def _refused(speaker: ClientDialect, error: PenstockError, provider_got: JsonObject | None) -> Seen:
    return Seen(error.status, speaker.encode_error(error, "ex_conformance"), provider_got)


def _exchange(request: Request) -> Exchange:
    return Exchange(
        id=ExchangeId("ex_conformance"),
        principal=Principal("conformance", "conformance"),
        request=request,
        dialect=request.dialect,
        started_at=1.0,
        began_s=0.0,
        deadline_s=60.0,
        gone_policy="abort",
    )
