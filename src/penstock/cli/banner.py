"""What `up` prints once everything is ready: lines to paste, nothing else to look up."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from penstock import __version__
from penstock.config import Config
from penstock.config.datadir import DataDir

_SHOWN_MODELS = 12


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


def model_names(body: bytes) -> tuple[str, ...]:
    """The names in an answer to `GET /v1/models`."""
    return tuple(model.id for model in msgspec.json.decode(body, type=_Models).data)


def banner(
    settings: Config,
    root: DataDir,
    models: Sequence[str],
    *,
    key: str | None,
    took_s: float,
    missing: str | None = None,
) -> str:
    """The text.  `key` is the development key where there is one; `missing` says why the database cannot be used."""
    server, control = settings.server, settings.control
    address = f"http://{_shown(server.host)}:{server.port}"
    more = f" and {len(models) - _SHOWN_MODELS} more" if len(models) > _SHOWN_MODELS else ""
    lines = [
        f"Penstock {__version__} is ready{'' if missing is None else ' without its database'} ({took_s:.1f} s)",
        "",
        f"  export OPENAI_BASE_URL={address}/v1",
        f"  export ANTHROPIC_BASE_URL={address}",
    ]
    if key is not None:
        lines += [f"  export OPENAI_API_KEY={key}", f"  export ANTHROPIC_API_KEY={key}"]
    lines += [
        "",
        f"  models   {', '.join(models[:_SHOWN_MODELS]) or 'none'}{more}",
        f"  control  http://{_shown(control.host)}:{control.port}/health  (admin token in {root.admin_token})",
        f"  worker   {_worker(settings)}",
        f"  ledger   {_ledger(settings)}; read it with: penstock ledger export --data-dir {_quoted(root.root)}",
    ]
    if missing is not None:
        lines += [
            f"  warning  {missing}",
            f"           Requests are served; their records wait in {root.root / 'journal'}",
            "           and are shipped once the database is there, which is tried every few seconds.  Until then the",
            "           admin API shows no ledger, and API keys can be neither made nor revoked; known ones are valid.",
        ]
    if key is not None and server.host not in ("127.0.0.1", "::1", "localhost"):
        lines.append("  warning  the development key is on and the data plane listens beyond this machine")
    if models:
        name = "sim" if "sim" in models else models[0]
        lines += ["", "  try it:", _curl(address, name, key)]
    return "\n".join([*lines, ""])


def _curl(address: str, model: str, key: str | None) -> str:
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
    return (
        f"  curl {address}/v1/chat/completions -H 'authorization: Bearer {key or '<your key>'}'"
        f" -H 'content-type: application/json' -d '{body}'"
    )


def _ledger(settings: Config) -> str:
    return "embedded PostgreSQL" if settings.database_url is None else "your PostgreSQL"


def _worker(settings: Config) -> str:
    if settings.ingest.worker:
        return "takes documents in, and starts with the first knowledge base: penstock kb create NAME"
    return "none here: documents are taken in by a `penstock worker` elsewhere, or by penstock kb sync --now"


def _shown(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 - what to show for it
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _quoted(path: Path) -> str:
    text = str(path)
    return f"'{text}'" if " " in text else text
