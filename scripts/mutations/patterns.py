"""Deliberate faults in what finds personal data and secrets."""

from mutations.mutation import Mutation

SET = "tests/guard/patterns/test_pattern_set.py"
EXTENTS = "tests/guard/patterns/test_extents.py"
CATALOGUE = "tests/guard/personal/patterns/test_catalogue.py"
CHECKS = "tests/guard/personal/patterns/test_checks.py"

MUTATIONS = (
    Mutation(
        "an automaton that gave up is taken for a text without matches",
        "guard/patterns/possible.py",
        "            return self._all\n",
        "            return []\n",
        SET,
    ),
    Mutation(
        "positions count bytes",
        "guard/patterns/pattern_set.py",
        "        if size != len(text):\n",
        "        if False:\n",
        SET,
    ),
    Mutation(
        "what a validator refused hides what begins within it",
        "guard/patterns/pattern_set.py",
        "                begin = last if is_whole else _after(data, first)\n",
        "                begin = last\n",
        SET,
    ),
    Mutation(
        "what only the whole expression matches is looked for in the first pass",
        "guard/patterns/possible.py",
        'loose.append(f"{{{least},}}")',
        'loose.append(f"{{{most},}}")',
        SET,
    ),
    Mutation(
        "what stands before the digits of a match is not looked at",
        "guard/patterns/pattern_set.py",
        "                since = first - (widened(befores[index], extra) if extra else befores[index])\n",
        "                since = first - 1\n",
        EXTENTS,
    ),
    Mutation(
        "a match that reaches into the next cluster is forgotten there",
        "guard/patterns/pattern_set.py",
        "                    ended[index] = last\n",
        "                    ended[index] = 0\n",
        EXTENTS,
    ),
    Mutation(
        "digits of one match are looked for in two clusters",
        "guard/patterns/extents.py",
        "left.around.after + right.around.before, right.around.between",
        "right.around.between",
        EXTENTS,
    ),
    Mutation(
        "a repetition reaches no further than what is repeated",
        "guard/patterns/extents.py",
        "others = (most - 1) * (once.without or 0)",
        "others = 0",
        EXTENTS,
    ),
    Mutation(
        "a card's check digit is not computed",
        "guard/personal/patterns/checks.py",
        "digits[-2::-2].translate(_DOUBLED)",
        "digits[-2::-2].translate(_PLAIN)",
        CHECKS,
    ),
    Mutation(
        "an account number with a wrong check digit is one",
        "guard/personal/patterns/checks.py",
        ".translate(_TO_DIGITS)) % 97 == 1",
        ".translate(_TO_DIGITS)) % 97 > 0",
        CHECKS,
    ),
    Mutation(
        "a password is taken for a word",
        "guard/personal/patterns/secrets.py",
        "and (has_digit or (has_sign and is_mixed))",
        "and (has_digit and has_sign and is_mixed)",
        CATALOGUE,
    ),
)
