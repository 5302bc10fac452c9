"""onnxruntime, behind what the encoder needs of it; the library has no types.

A sentence encoder has the inputs `input_ids` and, where it wants them, `attention_mask` and `token_type_ids`; of its
outputs the first of three dimensions are the vectors of the tokens, and one of two dimensions named `sentence…` is the
text's.  (Others of two dimensions, such as BERT's `pooler_output`, mean something else.)
"""

from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]  # it has none
from numpy.typing import NDArray

from penstock.core.errors import ConfigError

_ort: Any = onnxruntime

_INPUTS: Final = frozenset({"input_ids", "attention_mask", "token_type_ids"})
_SMALL_WINDOW: Final = 512
_ELSEWHERE: Final = b"\x0a\x08location"
"""How an ONNX file says that a tensor lies in another file (`StringStringEntryProto.key`, onnx.proto3)."""


class CannotRun(Exception):
    """The model failed on an input."""


class Session:
    """One ONNX sentence encoder; `run` may be called from several threads at once."""

    def __init__(self, path: Path, *, max_tokens: int) -> None:
        """For up to `max_tokens` at once.  Raises `ConfigError` where the file is no such model."""
        _check_file(path)
        options = _ort.SessionOptions()
        # One thread each: texts run side by side, and one that waits for other threads would be slower than alone.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # An arena keeps what the longest text ever needed: a few megabytes, or with long windows gigabytes.
        options.enable_cpu_mem_arena = max_tokens <= _SMALL_WINDOW
        options.log_severity_level = 4  # what goes wrong is raised, and said once
        try:
            self._session: Any = _ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - the library raises types of its own, none of them public
            raise ConfigError(f"{path} cannot be loaded as a model: {_first_line(error)}") from None
        inputs = {each.name: each.type for each in self._session.get_inputs()}
        if "input_ids" not in inputs or not inputs.keys() <= _INPUTS:
            raise ConfigError(f"{path} is no sentence encoder: its inputs are {', '.join(sorted(inputs))}")
        if set(inputs.values()) != {"tensor(int64)"}:
            raise ConfigError(f"{path} cannot be used: its inputs are {', '.join(inputs.values())}, not tensor(int64)")
        self._has_mask = "attention_mask" in inputs
        self._has_types = "token_type_ids" in inputs
        outputs = [(len(each.shape), each.name) for each in self._session.get_outputs()]
        tokens = [name for rank, name in outputs if rank == 3]
        if not tokens:
            raise ConfigError(f"{path} is no sentence encoder: it has no output of token vectors")
        sentences = [name for rank, name in outputs if rank == 2 and name.startswith("sentence")]
        self._outputs = [*tokens[:1], *sentences[:1]]

    def run(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """For one row of token ids: a vector for each, and the sentence's where the model has one.

        Raises `CannotRun`.
        """
        feed = {"input_ids": ids}
        if self._has_mask:
            feed["attention_mask"] = np.ones_like(ids)
        if self._has_types:
            feed["token_type_ids"] = np.zeros_like(ids)
        try:
            found = self._session.run(self._outputs, feed)
        except Exception as error:  # noqa: BLE001 - as above
            raise CannotRun(_first_line(error)) from None
        tokens = np.asarray(found[0][0], np.float32)
        return tokens, np.asarray(found[1][0], np.float32) if len(found) > 1 else None


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            if data.find(_ELSEWHERE) >= 0:
                message = (
                    f"{path} keeps its weights in other files, which its sha256 says nothing of: save it as one file"
                )
                raise ConfigError(message)
    except (OSError, ValueError) as error:  # an empty file cannot be mapped
        raise ConfigError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is empty'}") from None


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__
