"""Deliberate faults in what holds back the text of an answer until it is known to be safe."""

from mutations.mutation import Mutation

WINDOW = "tests/guard/patterns/test_window.py"
LANES = "tests/guard/test_lanes.py"
ARGUMENTS = "tests/guard/test_arguments.py"

MUTATIONS = (
    Mutation(
        "what may become a match goes out",
        "guard/patterns/window.py",
        "limit = self._open_from() if self._begun else self._at",
        "limit = self._at",
        WINDOW,
    ),
    Mutation(
        "a value goes out while the words before it stand",
        "guard/patterns/window.py",
        "for pattern in asked.open.among(data):",
        "for pattern in ():",
        WINDOW,
    ),
    Mutation(
        "a match is taken that the next character may undo",
        "guard/patterns/window.py",
        "            if at >= certain_before:\n",
        "            if False:\n",
        WINDOW,
    ),
    Mutation(
        "a match is taken before one that began earlier",
        "guard/patterns/window.py",
        "max(min(since, self._open_from()), ",
        "max(since, ",
        WINDOW,
    ),
    Mutation(
        "a pass over all patterns that gave up is taken for one that found none",
        "guard/patterns/window.py",
        "            return self._all\n",
        "            return ()\n",
        WINDOW,
    ),
    Mutation(
        "the character before what is looked at is forgotten",
        "guard/patterns/window.py",
        "        origin = max(begin - 1, self._base)  # a boundary asks",
        "        origin = max(begin, self._base)  # a boundary asks",
        WINDOW,
    ),
    Mutation(
        "a group is over before its matches can be",
        "guard/patterns/window.py",
        "if at - joined[group] > reach]",
        "if at - joined[group] > 2]",
        WINDOW,
    ),
    Mutation(
        "a provider may go back to a part whose end was let go",
        "guard/lanes.py",
        "        if self._is_let_go and text and not self.is_observed:\n",
        "        if False:\n",
        LANES,
    ),
    Mutation(
        "a choice ends before its text",
        "guard/lanes.py",
        "                choice = self._choice(index)\n                choice.end()\n",
        "                choice = self._choice(index)\n",
        LANES,
    ),
    Mutation(
        "escapes hide a match in arguments",
        "guard/arguments.py",
        "            self._unicode(int(digits, 16), sent, judged)\n",
        '            self._add("content", sent, judged)\n',
        LANES,
    ),
    Mutation(
        "escapes within a string in a string hide a match",
        "guard/arguments.py",
        '        if char == "u" and not is_odd:',
        "        if False:",
        LANES,
    ),
    Mutation(
        "half of a number is replaced",
        "guard/arguments.py",
        '"scalar" if _is_scalar(bare) else "content"',
        '"content"',
        ARGUMENTS,
    ),
    Mutation(
        "the log probabilities of what was replaced are shown",
        "guard/held.py",
        "        if not any(begin < at + len(token) and at < end for begin, end in hidden):\n",
        "        if True:\n",
        LANES,
    ),
    Mutation(
        "log probabilities of another text are shown",
        "guard/held.py",
        "        return None\n    hidden",
        "        return entries\n    hidden",
        LANES,
    ),
)
