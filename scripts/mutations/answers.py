"""Deliberate faults in what answers may say and be, and in whose scope a question is judged by."""

from mutations.mutation import Mutation

SCHEMA = "tests/guard/policy/test_schema.py"
SCOPE = "tests/guard/scope/test_head.py"

MUTATIONS = (
    Mutation("errors of a schema hold what the answer said", "guard/policy/schema.py", "mask=_MASK,", "", SCHEMA),
    Mutation("a schema is fetched from elsewhere", "guard/policy/schema.py", "offline=True,", "offline=False,", SCHEMA),
    Mutation(
        "an expression of a schema may take for ever",
        "guard/policy/schema.py",
        "pattern_options=jsonschema_rs.RegexOptions(size_limit=_SIZE_LIMIT, dfa_size_limit=_SIZE_LIMIT),",
        "",
        SCHEMA,
    ),
    Mutation(
        "what is wrong itself is taken for mended",
        "guard/policy/schema.py",
        "            if not self.errors(candidate):\n",
        "            if candidate:\n",
        SCHEMA,
    ),
    Mutation(
        "another encoder's scope is judged by",
        "guard/scope/head.py",
        "about.format != _FORMAT or about.encoder != encoder",
        "about.format != _FORMAT",
        SCOPE,
    ),
    Mutation(
        "a text without a known word is inside",
        "guard/scope/head.py",
        "return ScopeVerdict(is_inside=False, topic=None, score=0.0, confidence=0.0)",
        "return ScopeVerdict(is_inside=True, topic=None, score=1.0, confidence=0.0)",
        SCOPE,
    ),
    Mutation(
        "an answer in a loop runs on",
        "guard/scope/repetition.py",
        "                self._begin = at - _RUN - period\n",
        "                self._begin = at\n",
        "tests/guard/scope/test_repetition.py",
    ),
)
