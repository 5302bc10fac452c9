"""Deliberate faults in what keeps injections from working and data from leaving."""

from mutations.mutation import Mutation

FENCE = "tests/guard/injection/test_fence.py"
CANARY = "tests/guard/injection/test_canary.py"
LINKS = "tests/guard/injection/test_links.py"
ARGUMENTS = "tests/guard/injection/test_arguments.py"
LEAK = "tests/guard/injection/test_leak.py"
FIND = "tests/guard/injection/test_find.py"

MUTATIONS = (
    Mutation(
        "a marker inside a fence stays",
        "guard/injection/fence.py",
        '"[removed]" if is_marker else',
        "text[begin:end] if is_marker else",
        FENCE,
    ),
    Mutation(
        "a canary's part is overlooked",
        "guard/injection/canary.py",
        "_PART_CHARS: Final = 9",
        "_PART_CHARS: Final = 20",
        CANARY,
    ),
    Mutation(
        "whoever is before the @ is the host",
        "guard/injection/named.py",
        'rest.rpartition("@")[2]',
        'rest.partition("@")[0]',
        LINKS,
    ),
    Mutation(
        "a known host with data is taken for harmless",
        "guard/injection/links.py",
        "_tail_chars(url) < _LONG_TAIL and ",
        "",
        LINKS,
    ),
    Mutation(
        "any text that names an address has asked for it",
        "guard/injection/arguments.py",
        'if each.trust in {"system", "developer", "user"})',
        ")",
        ARGUMENTS,
    ),
    Mutation(
        "a repeated system text is no leak",
        "guard/injection/leak.py",
        "_LEAST_RUN: Final = 16",
        "_LEAST_RUN: Final = 1600",
        LEAK,
    ),
    Mutation(
        "a tool's result is judged as a user's words",
        "guard/injection/find.py",
        'if segment.trust == "user":',
        'if segment.trust in {"user", "tool_result"}:',
        FIND,
    ),
    Mutation(
        "what is encoded is not read",
        "guard/injection/signs.py",
        "        for reading in readings:\n",
        "        for reading in ():\n",
        FIND,
    ),
    Mutation(
        "what a user encodes is not read",
        "guard/injection/signs.py",
        "        if readings or hidden is not None:\n",
        "        if hidden is not None:\n",
        "tests/guard/injection/test_short_way.py tests/guard/injection/test_find.py",
    ),
)
