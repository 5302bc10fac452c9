"""Opens the encoder that the configuration asks for: found, verified, loaded.  Called by `app.encoder`."""

from pathlib import Path

from penstock.config.texts.encoder import EncoderSettings
from penstock.core.errors import ConfigError
from penstock.encoder.executor import Encoder
from penstock.encoder.files import locate
from penstock.encoder.model import Model

_MIB = 1024 * 1024


def load(settings: EncoderSettings, *, beside: Path, built: Path | None = None) -> Encoder:
    """Blocks for about half a second.  Files are sought in `beside`; `built` is where the built model lies.

    Raises `ConfigError`, with its `path` set where a setting is the reason.
    """
    return Encoder(
        load_model(settings, beside=beside, built=built),
        threads=settings.threads,
        max_waiting=settings.max_waiting,
        memory_bytes=settings.memory_mib * _MIB,
    )


def load_model(settings: EncoderSettings, *, beside: Path, built: Path | None = None) -> Model:
    """As `load`, without the threads."""
    files = locate(settings, beside=beside, built=built)
    try:
        return Model(
            files.model,
            files.tokenizer,
            max_tokens=settings.max_tokens,
            max_windows=settings.windows,
            pooling=settings.pooling,
            weights_sha256=files.weights_sha256,
        )
    except ConfigError as error:
        raise ConfigError(error.message, path="encoder" if settings.model is None else "encoder.model") from None
