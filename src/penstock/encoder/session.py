"""onnxruntime, behind what the encoder needs of it; the library has no types."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]  # it has none
from numpy.typing import NDArray

from penstock.core.errors import ConfigError

_ort: Any = onnxruntime


class Session:
    """One ONNX sentence encoder; `run` may be called from several threads at once."""

    def __init__(self, path: Path) -> None:
        """Raises `ConfigError` where the file is no such model."""
        options = _ort.SessionOptions()
        # One thread each: texts run side by side, and one that waits for other threads would be slower than alone.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_cpu_mem_arena = False  # it would keep what the longest text ever needed
        options.log_severity_level = 3
        try:
            self._session: Any = _ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - the library raises types of its own, none of them public
            raise ConfigError(f"{path} cannot be loaded as a model: {str(error).splitlines()[0][:200]}") from None
        inputs = {each.name for each in self._session.get_inputs()}
        if "input_ids" not in inputs or not inputs <= {"input_ids", "attention_mask", "token_type_ids"}:
            raise ConfigError(f"{path} is no sentence encoder: its inputs are {', '.join(sorted(inputs))}")
        self._has_mask = "attention_mask" in inputs
        self._has_types = "token_type_ids" in inputs
        ranks = {len(each.shape): each.name for each in reversed(self._session.get_outputs())}
        if 3 not in ranks:
            raise ConfigError(f"{path} is no sentence encoder: it has no output of token vectors")
        self._outputs = [ranks[rank] for rank in (3, 2) if rank in ranks]

    def run(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """For one row of token ids: a vector for each, and the sentence's where the model has one."""
        feed = {"input_ids": ids}
        if self._has_mask:
            feed["attention_mask"] = np.ones_like(ids)
        if self._has_types:
            feed["token_type_ids"] = np.zeros_like(ids)
        found = self._session.run(self._outputs, feed)
        return found[0][0], found[1][0] if len(found) > 1 else None
