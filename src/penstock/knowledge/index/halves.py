"""Vectors as pgvector reads them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def halfvec(vector: "NDArray[np.float32]") -> str:
    """In text; five digits are more than half precision has."""
    return f"[{','.join(f'{number:.5g}' for number in vector.tolist())}]"
