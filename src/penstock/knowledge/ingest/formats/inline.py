"""Marks within a line of Markdown, taken off.  Every expression is linear in the line."""

import html
import re
from collections.abc import Callable
from typing import Final

_IMAGE: Final = re.compile(r"!\[([^\]\n]{0,500})\]\([^)\n]{0,2000}\)|!\[([^\]\n]{0,500})\]\[[^\]\n]{0,200}\]")
_LINK: Final = re.compile(r"\[([^\[\]\n]{1,1000})\]\(\s{0,9}<?([^)\s>\n]{0,2000})>?[^)\n]{0,500}\)")
_REFERENCE: Final = re.compile(r"\[([^\[\]\n]{1,500})\]\[([^\]\n]{0,200})\]")
_FOOTNOTE: Final = re.compile(r"\[\^[^\]\n]{1,60}\]")
_AUTOLINK: Final = re.compile(r"<((?:https?://|mailto:)[^>\s]{1,2000}|[\w.+-]{1,64}@[\w.-]{1,255})>")
_COMMENT: Final = re.compile(r"<!--.{0,5000}?-->", re.DOTALL)
_BREAK: Final = re.compile(r"<br\s{0,9}/?>", re.IGNORECASE)
_TAG: Final = re.compile(r"</?[A-Za-z][^<>\n]{0,1000}>")
_CODE: Final = re.compile(r"(`{1,4})(?!`)([^\n]{1,2000}?)(?<!`)\1(?!`)")
_STRONG: Final = re.compile(r"(\*\*|__)(?=\S)([^\n]{1,2000}?)(?<=\S)\1")
_STAR: Final = re.compile(r"(?<![\w*\\])\*(?=[^\s*])([^*\n]{1,1000})(?<=[^\s\\])\*(?![\w*])")
_UNDERLINE: Final = re.compile(r"(?<![\w_\\])_(?=[^\s_])([^_\n]{1,1000})(?<=[^\s\\])_(?![\w_])")
_STRUCK: Final = re.compile(r"~~(?=\S)([^~\n]{1,1000})~~")
_ESCAPE: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_ABSOLUTE: Final = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


def plain(text: str) -> str:
    """What a reader sees of it.  A link to another place keeps its address, `[words](https://…)`; one within, none."""
    kept: list[str] = []

    def keep(value: str) -> str:
        kept.append(value)
        return f"\x00{len(kept) - 1}\x01"

    text = text.replace("\x00", "").replace("\x01", "")
    text = _CODE.sub(lambda found: keep(found[2].strip()), text)
    text = _COMMENT.sub("", text)
    text = _IMAGE.sub(lambda found: found[1] or found[2] or "", text)
    text = _LINK.sub(lambda found: _link(found[1], found[2], keep), text)
    text = _FOOTNOTE.sub("", text)
    text = _REFERENCE.sub(lambda found: found[1], text)
    text = _AUTOLINK.sub(lambda found: keep(found[1]), text)
    text = _TAG.sub("", _BREAK.sub(" ", text))
    text = _STRUCK.sub(lambda found: found[1], text)
    for _ in range(2):  # strong within emphasis, and the other way round
        text = _STRONG.sub(lambda found: found[2], text)
        text = _UNDERLINE.sub(lambda found: found[1], _STAR.sub(lambda found: found[1], text))
    text = _ESCAPE.sub(lambda found: found[1], text)
    text = html.unescape(text)
    for _ in range(3):  # code may stand within a link, and a link in another
        if "\x00" not in text:
            break
        text = re.sub(r"\x00(\d+)\x01", lambda found: kept[int(found[1])], text)
    return text


def _link(words: str, target: str, keep: Callable[[str], str]) -> str:
    if not _ABSOLUTE.match(target):
        return words
    if words.strip() == target:
        return keep(target)
    return f"[{words}]({keep(target)})"
