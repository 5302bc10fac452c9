"""The bytes of the bench: a realistic chat request of 1.7 kB, an answer of 0.6 kB, and the events of a stream."""

import msgspec

UPSTREAM_MODEL = "gpt-4o-mini"

SYSTEM = (
    "You are the support assistant of a bank. Answer in at most three sentences, in the language of the customer. "
    "Never ask for a password or a full card number. If the question is about a dispute, a fraud or a complaint, say "
    "that a colleague will call back within one working day and give the reference that the tool returned. Amounts are "
    "shown with their currency; dates are written out. Do not speculate about the reasons for a declined payment."
)
_DECLINED = "Hello! My card payment in a shop was declined this morning although there is enough money on it."
_WHICH_WAY = (
    "I am sorry about that. A payment can be declined for a number of reasons, such as a wrong PIN, an expired card "
    "or a limit that was reached. Could you tell me whether you used the chip, contactless or online?"
)
_CONTACTLESS = "Contactless, at a supermarket, around nine. It was a small amount, about twelve euros."
_ENTER_PIN = (
    "Thank you. After several contactless payments the card asks for the PIN once, for your security: please insert "
    "the card and enter the PIN with your next payment. Contactless will then work again."
)
_CHARGED_TWICE = (
    "That worked, thanks. While you are here: I was charged twice for a train ticket last Friday, both times 23.40. "
    "One of the two has vanished from the list since, but my balance still looks lower than it should. How long does "
    "it take until a pending payment is released, and do I have to do anything about it on my side?"
)
TURNS = (
    ("user", _DECLINED),
    ("assistant", _WHICH_WAY),
    ("user", _CONTACTLESS),
    ("assistant", _ENTER_PIN),
    ("user", _CHARGED_TWICE),
)


def chat_request(model: str) -> bytes:
    return msgspec.json.encode(
        {
            "model": model,
            "messages": [{"role": "system", "content": SYSTEM}, *({"role": r, "content": c} for r, c in TURNS)],
            "temperature": 0.2,
            "max_tokens": 256,
            "user": "customer-4711",
        }
    )


def stream_request(model: str, events: int) -> bytes:
    return msgspec.json.encode(
        {
            "model": model,
            "messages": [{"role": "user", "content": "Tell me a long story."}],
            "max_tokens": events,
            "stream": True,
        }
    )


ANSWER_TEXT = (
    "A pending payment is usually released within three to five working days. You do not have to do "
    "anything; the amount returns to your available balance on its own. If it is still missing after seven days, write "
    "to us again."
)

CHAT_ANSWER = msgspec.json.encode(
    {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1741569952,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": ANSWER_TEXT, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 342,
            "completion_tokens": 47,
            "total_tokens": 389,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": "fp_06737a9306",
    }
)

_CHUNK = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1741569952,'
    b'"model":"gpt-4o-mini-2024-07-18","system_fingerprint":"fp_06737a9306","choices":[%s],"usage":%s}\n\n'
)
_DELTA = b'{"index":0,"delta":{"content":"t%d "},"logprobs":null,"finish_reason":null}'


def _chunk(choices: bytes, usage: bytes = b"null") -> bytes:
    """One event as one chunk of the chunked transfer coding."""
    event = _CHUNK % (choices, usage)
    return b"%x\r\n%s\r\n" % (len(event), event)


def first_chunk(sent_ns: int) -> bytes:
    return _chunk(
        b'{"index":0,"delta":{"role":"assistant","content":"t%d "},"logprobs":null,"finish_reason":null}' % sent_ns
    )


def text_chunk(sent_ns: int) -> bytes:
    """An event whose text is the monotonic time at which it was sent, in nanoseconds."""
    return _chunk(_DELTA % sent_ns)


LAST_CHUNKS = (
    _chunk(b'{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}')
    + _chunk(b"", b'{"prompt_tokens":12,"completion_tokens":500,"total_tokens":512}')
    + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
)
