"""Deliberate faults in what traces claims to their sources."""

from mutations.mutation import Mutation

TRACER = "tests/guard/grounded/test_tracer.py"
CLAIMS = "tests/guard/grounded/test_claims.py"
AGREEMENT = "tests/guard/grounded/test_agreement.py"
JUDGE = "tests/guard/grounded/test_judge.py"
EXCHANGED = "tests/guard/grounded/test_exchanged.py"

MUTATIONS = (
    Mutation(
        "what fails a check is supported all the same",
        "guard/grounded/judge.py",
        "totals = np.where(rows[:, _REFUTED_AT] > 0, np.minimum(totals, _REFUTED), totals)",
        "pass",
        JUDGE,
    ),
    Mutation(
        "another figure is let pass",
        "guard/grounded/values.py",
        "    if one.unit and other.unit and one.unit != other.unit:\n        return False\n",
        "    if one.unit != other.unit:\n        return True\n",
        TRACER,
    ),
    Mutation(
        "a lost negation is let pass",
        "guard/grounded/differ.py",
        '"negation": bool(contrary.denied_here or contrary.denied_there)',
        '"negation": bool(contrary.denied_here)',
        TRACER,
    ),
    Mutation(
        "an opposite is let pass",
        "guard/grounded/differ.py",
        '"opposite": bool(contrary.opposite)',
        '"opposite": False',
        TRACER,
    ),
    Mutation(
        "must passes for may",
        "guard/grounded/differ.py",
        '"strength": bool(strength[2])',
        '"strength": False',
        TRACER,
    ),
    Mutation(
        "only what is cited is looked at",
        "guard/grounded/tracer.py",
        'if traced is None or traced.verdict != "supported":',
        "if traced is None:",
        TRACER,
    ),
    Mutation(
        "a citation of another passage counts",
        "guard/grounded/tracer.py",
        "passage.label in claim.cited,",
        "bool(claim.cited),",
        TRACER,
    ),
    Mutation(
        "another encoder is let in",
        "guard/grounded/tracer.py",
        "if encoder_sha256 != judge.encoder_sha256:",
        "if False:",
        TRACER,
    ),
    Mutation(
        "a mark counts for the sentence behind it",
        "guard/grounded/claims.py",
        "bisect_left(spans, place, key=lambda each: each[0]) - 1",
        "bisect_left(spans, place + 2, key=lambda each: each[0]) - 1",
        CLAIMS,
    ),
    Mutation(
        "an answer that its model does not say again is held by nobody",
        "guard/grounded/sureness/levels.py",
        "        if settings.hold is not None and (is_unsteady or confidence < settings.hold):\n",
        "        if settings.hold is not None and confidence < settings.hold:\n",
        AGREEMENT,
    ),
    Mutation(
        "another figure said again is agreement",
        "guard/grounded/sureness/agreement.py",
        "sum(claim.chance for claim in claims)",
        "sum(claim.likeness for claim in claims)",
        AGREEMENT,
    ),
    Mutation(
        "a model is asked again in shadow",
        "config/knowledge/grounding.py",
        'asked the same again; None where it is not."""\n    if grounding is None or grounding.mode == "shadow" or',
        'asked the same again; None where it is not."""\n    if grounding is None or',
        AGREEMENT,
    ),
    Mutation(
        "a second opinion that is not said again is the better one",
        "guard/grounded/sureness/opinions.py",
        "not self.is_refused, not self.is_unsteady, -1.0",
        "not self.is_refused, False, -1.0",
        AGREEMENT,
    ),
    Mutation(
        "a word put in another's place is let pass where much else is alike",
        "guard/grounded/judge.py",
        "totals = np.where(is_copy(rows), copied, totals)",
        "pass",
        TRACER,
    ),
    Mutation(
        "a word of the next sentence hides what it was put for",
        "guard/grounded/exchanged.py",
        "    if len(told) > 1:\n",
        "    if False:\n",
        EXCHANGED,
    ),
    Mutation(
        "a team called IT is taken for a pronoun",
        "guard/grounded/exchanged.py",
        '(not word.is_name or word.text == "I")',
        "True",
        EXCHANGED,
    ),
    Mutation(
        "another preposition is let pass",
        "guard/grounded/exchanged.py",
        "otherwise += is_more and is_less",
        "otherwise += 0",
        EXCHANGED,
    ),
    Mutation(
        "a claim that begins with no is read without it",
        "guard/grounded/claims.py",
        r"(?:no|nein)(?:\s?[,.!:;]+|",
        r"(?:no|nein)(?:[,.!:;]*|",
        CLAIMS,
    ),
)
