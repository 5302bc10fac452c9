"""How large a request may be, as frozen values; every default is far beyond what applications send.

`app` hands them to `admission.inputs`; an assistant's own (`models.*.inputs`) take the place of these one by one.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from penstock.config.problems import closest

Most = Annotated[int, msgspec.Meta(ge=0)]

_MIB = 1024 * 1024


class InputSettings(msgspec.Struct, frozen=True, kw_only=True):
    """At most so much of each in one request; None is no limit of ours.

    `text_bytes` counts all that is written out in a request, in UTF-8, but for images, files and tools; `tokens` is an
    estimate, on the high side.  `image_bytes` and `file_bytes` count what is sent inline, in its base64 form, of all
    images and of all files and audio clips together; `images` and `files` count those sent by reference too.
    """

    text_bytes: Most | None = 16 * _MIB
    messages: Most | None = 10_000
    tokens: Most | None = 4_000_000
    images: Most | None = 4_000
    image_bytes: Most | None = 128 * _MIB
    files: Most | None = 1_000
    file_bytes: Most | None = 128 * _MIB
    tools: Most | None = 10_000
    tool_bytes: Most | None = 8 * _MIB
    embedding_inputs: Most | None = 2_048
    choices: Most | None = 128
    max_tokens: Most | None = 1_000_000


def override(settings: InputSettings, own: Mapping[str, int | None]) -> InputSettings:
    """`settings` with an assistant's `own` in their place."""
    return msgspec.structs.replace(settings, **own) if own else settings


def broken_inputs(own: Mapping[str, int | None]) -> Iterator[tuple[str, str | None]]:
    """The names in `own` that are no limits, each with the one that was probably meant."""
    names = InputSettings.__struct_fields__
    for name in own:
        if name not in names:
            yield name, closest(name, names)
