"""The sentence encoder itself: a text in, vectors out.

Blocking and thread-safe; `executor` keeps it off the event loop.

Any ONNX sentence encoder with a `tokenizer.json` will do (https://huggingface.co/docs/tokenizers): see `session` for
its inputs and outputs.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from penstock.core.errors import ConfigError
from penstock.encoder.files import sha256_of
from penstock.encoder.session import CannotRun, Session

Vector: TypeAlias = NDArray[np.float32]
Matrix: TypeAlias = NDArray[np.float32]
Pooling: TypeAlias = Literal["auto", "mean", "cls"]
"""A text's vector: the model's own where it has one and else the mean, the mean of its tokens, or its first mark's."""

_CHARS_A_TOKEN: Final = 8
"""More than languages have on average: what is cut off for its length must fill its windows all the same."""
_LEAST_NORM: Final = 1e-12
_PROBE: Final = "a"


@dataclass(frozen=True, slots=True)
class Encoded:
    """What one pass says of a text.

    `sentence` has unit length, or is zero for a text of which no token is known; of a long text it is the mean over its
    windows, by their tokens.  `tokens` has a row for each token that is part of the text, and `spans` says which of its
    characters each is of.  `unknown` are those spans that the model has no word for, such as emoji: all of them read
    the same, so that whoever takes two texts for one must compare them.  Where `is_whole` is false the middle of a very
    long text was left out.
    """

    sentence: Vector
    tokens: Matrix
    spans: tuple[tuple[int, int], ...]
    is_whole: bool = True
    unknown: tuple[tuple[int, int], ...] = ()

    @property
    def size_bytes(self) -> int:
        return self.sentence.nbytes + self.tokens.nbytes + 80 * (len(self.spans) + len(self.unknown))


class Model:
    """See the module.  `max_tokens` bounds a window, with the marks around it; `max_windows` what is read of a text.

    `identity` names all that a vector depends on: vectors of two identities must never be compared.
    `weights_sha256` names what heads are trained on: the weights, in however many bits, or of another model its file.
    """

    def __init__(
        self,
        model: Path,
        tokenizer: Path,
        *,
        max_tokens: int = 256,
        max_windows: int = 8,
        pooling: Pooling = "auto",
        weights_sha256: str | None = None,
    ) -> None:
        """Raises `ConfigError` where the files are no such model, or it does not take `max_tokens`."""
        self._session = Session(model, max_tokens=max_tokens)
        self._tokenizer = _tokenizer(tokenizer)
        self._unknown = _unknown(tokenizer, self._tokenizer)
        self._pooling: Pooling = pooling
        self._before, self._after = _marks(self._tokenizer)
        self._window = max_tokens - len(self._before) - len(self._after)
        self._max_windows = max_windows
        if self._window < 1:
            raise ConfigError(f"a window of {max_tokens} tokens has no room for a text")
        model_sha256, tokenizer_sha256 = sha256_of(model), sha256_of(tokenizer)
        parts = (model_sha256, tokenizer_sha256, str(max_tokens), str(max_windows), pooling)
        self.identity: str = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        self.weights_sha256: str = weights_sha256 or model_sha256
        self.width: int = self._try(model)

    def _try(self, path: Path) -> int:
        """The length of a vector, by reading the longest window there may be: what fails for its length fails now."""
        ids = self._tokens(_PROBE).ids
        try:
            tokens, sentence = self._run((ids * self._window)[: self._window])
        except CannotRun as error:
            most = self._window + len(self._before) + len(self._after)
            raise ConfigError(f"{path} does not take a window of {most} tokens: {error}") from None
        if not sentence.any() or tokens.shape[1:] != sentence.shape:
            raise ConfigError(f"{path} is no sentence encoder: it gives no usable vectors")
        return len(sentence)

    def encode(self, text: str) -> Encoded:
        """Never raises for what a text is made of: unpaired surrogates are read as question marks."""
        pieces, is_whole = self._read(text)
        ids = [token for encoding, _ in pieces for token in encoding.ids]
        spans = tuple((begin + at, end + at) for encoding, at in pieces for begin, end in encoding.offsets)
        if not ids:
            return Encoded(np.zeros(self.width, np.float32), np.zeros((0, self.width), np.float32), ())
        most = self._max_windows * self._window
        if len(ids) > most:
            is_whole = False
            head, tail = most - most // 2, most // 2
            ids, spans = [*ids[:head], *ids[len(ids) - tail :]], (*spans[:head], *spans[len(spans) - tail :])
        windows = [self._run(window) for window in self._windows(ids)]
        if len(windows) == 1:
            tokens, sentence = windows[0]
        else:
            tokens = np.concatenate([each for each, _ in windows])
            sentence = _unit(np.sum([len(each) * vector for each, vector in windows], axis=0))
        unknown = tuple(span for token, span in zip(ids, spans, strict=True) if token == self._unknown)
        if len(unknown) == len(ids):
            sentence = np.zeros_like(sentence)
        return Encoded(sentence, tokens, spans, is_whole, unknown)

    def _read(self, text: str) -> tuple[list[tuple[Encoding, int]], bool]:
        """The text's tokens, in one piece or two, with where each piece begins."""
        half = self._max_windows * self._window * _CHARS_A_TOKEN // 2
        if len(text) <= 2 * half:
            return [(self._tokens(text), 0)], True
        at = len(text) - half
        return [(self._tokens(text[:half]), 0), (self._tokens(text[at:]), at)], False

    def _tokens(self, text: str) -> Encoding:
        try:
            return self._tokenizer.encode(text, add_special_tokens=False)
        except (TypeError, UnicodeEncodeError):
            sound = text.encode("utf-8", "replace").decode("utf-8")
            return self._tokenizer.encode(sound, add_special_tokens=False)

    def _windows(self, ids: Sequence[int]) -> Iterator[Sequence[int]]:
        """Of equal length, nearly: a last window of three words would count as a text of its own."""
        number = -(-len(ids) // self._window)
        for at in range(number):
            yield ids[at * len(ids) // number : (at + 1) * len(ids) // number]

    def _run(self, ids: Sequence[int]) -> tuple[Matrix, Vector]:
        tokens, sentence = self._session.run(np.array([[*self._before, *ids, *self._after]], np.int64))
        if self._pooling == "cls":
            sentence = tokens[0]
        elif self._pooling == "mean" or sentence is None:
            sentence = tokens.mean(axis=0)
        return tokens[len(self._before) : len(tokens) - len(self._after)], _unit(sentence)


def _unit(vector: Vector) -> Vector:
    norm = float(np.linalg.norm(vector))
    if not np.isfinite(norm):
        return np.zeros(vector.shape, np.float32)  # no text resembles it: of all that is safe to say, the safest
    return (vector / max(norm, _LEAST_NORM)).astype(np.float32, copy=False)


def _tokenizer(path: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # noqa: BLE001 - the library raises plain `Exception`
        raise ConfigError(f"{path} cannot be loaded as a tokenizer: {str(error)[:200]}") from None
    # What comes with some models pads every text to their greatest length, and cuts it there.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


class _Vocabulary(msgspec.Struct):
    unk_token: str | None = None
    unk_id: int | None = None


class _TokenizerFile(msgspec.Struct):
    model: _Vocabulary


def _unknown(path: Path, tokenizer: Tokenizer) -> int | None:
    """The id of the token that stands for what has none."""
    vocabulary = msgspec.json.decode(path.read_bytes(), type=_TokenizerFile).model
    if vocabulary.unk_token is not None:
        return tokenizer.token_to_id(vocabulary.unk_token)
    return vocabulary.unk_id


def _marks(tokenizer: Tokenizer) -> tuple[Sequence[int], Sequence[int]]:
    """What the model wants before and after a text, such as [CLS] and [SEP]."""
    bare = tokenizer.encode(_PROBE, add_special_tokens=False).ids
    full = tokenizer.encode(_PROBE).ids
    for at in range(len(full) - len(bare) + 1):
        if full[at : at + len(bare)] == bare:
            return tuple(full[:at]), tuple(full[at + len(bare) :])
    raise ConfigError("the tokenizer changes a text by marking it: it cannot be used in windows")
