"""A title for a file of source code, which seldom says itself what it is: what its first comment says, what it defines.

Whoever reads such a file for the index gives it this title (beside its name), since a chunk from its middle names
neither, and questions name both.
"""

import re
from collections import Counter
from typing import Final

_DEFINITION: Final = re.compile(
    r"^(?:(?:pub(?:\([a-z]+\))?|public|private|protected|internal|static|final|abstract|export|default|async|unsafe|open"
    r"|sealed|data|virtual|override|inline|constexpr)\s+)*"
    r"(?:class|struct|enum|trait|interface|impl|module|namespace|mod|object|type|def|fn|func|function)\b"
    r"\s*(?:<[^>]*>\s*)?([\w:<>, ]*\w)",
    re.MULTILINE,
)
_COMMENT: Final = re.compile(r"^\s*(?://[/!]?|#+|\*|/\*+|\"\"\"|--|;+)\s*(.+)")
_NO_TITLE: Final = re.compile(
    r"licen[cs]|copyright|\(c\)|all rights|warrant|permission|distributed|coding:|^[-=*#!/ ]*$|^[!\[]", re.IGNORECASE
)
_PREAMBLE: Final = re.compile(r"\s*(?:use|import|from|package|#include|using)\b")
_LINES: Final = 40
_MOST_CHARS: Final = 100
_LEAST_WORDS: Final = 3
_DEFINED: Final = 3
_NAME_CHARS: Final = 60


def code_title(text: str) -> str:
    """What the file's first comment says that is no licence, and the names that it defines most at its outermost level.

    Empty where there is neither.
    """
    names = Counter(match[1].strip()[:_NAME_CHARS] for match in _DEFINITION.finditer(text))
    defined = ", ".join(name for name, _ in names.most_common(_DEFINED))
    return " ".join(part for part in (_first_comment(text), defined) if part)


def _first_comment(text: str) -> str:
    for line in text.splitlines()[:_LINES]:
        comment = _COMMENT.match(line)
        if comment is None:
            if line.strip() and not _PREAMBLE.match(line):
                break
        elif not _NO_TITLE.search(comment[1]) and len(comment[1].split()) >= _LEAST_WORDS:
            return comment[1].strip(' */"')[:_MOST_CHARS]
    return ""
