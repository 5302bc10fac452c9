"""The list of models and one model, in OpenAI's shape or, for Anthropic's clients, in theirs.

OpenAI: https://platform.openai.com/docs/api-reference/models; Anthropic: https://docs.anthropic.com/en/api/models-list,
whose clients are known by their `anthropic-version` header.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from penstock.core.errors import UnknownModel
from penstock.core.json import JsonObject, JsonValue, dumps


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model name that callers may ask for.  `created_at` is Unix seconds."""

    id: str
    owner: str
    created_at: int = 0
    display_name: str | None = None


def encode_models(models: Sequence[ModelEntry], *, as_anthropic: bool = False) -> bytes:
    """The whole list; there are no pages."""
    if not as_anthropic:
        return dumps({"object": "list", "data": [_openai(model) for model in models]})
    data: list[JsonValue] = [_anthropic(model) for model in models]
    first, last = (models[0].id, models[-1].id) if models else (None, None)
    return dumps({"data": data, "has_more": False, "first_id": first, "last_id": last})


def encode_model(models: Sequence[ModelEntry], model_id: str, *, as_anthropic: bool = False) -> bytes:
    """One model.  Raises `UnknownModel`."""
    for model in models:
        if model.id == model_id:
            return dumps(_anthropic(model) if as_anthropic else _openai(model))
    raise UnknownModel(f"The model `{model_id[:200]}` does not exist, or you may not use it.", field="model")


def _openai(model: ModelEntry) -> JsonObject:
    return {"id": model.id, "object": "model", "created": model.created_at, "owned_by": model.owner}


def _anthropic(model: ModelEntry) -> JsonObject:
    created = datetime.fromtimestamp(model.created_at, UTC).isoformat().replace("+00:00", "Z")
    return {"type": "model", "id": model.id, "display_name": model.display_name or model.id, "created_at": created}
