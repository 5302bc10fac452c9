"""How many tokens a target counts for a prompt that we take for so many: learned from what its answers report.

Prompts are guessed by their length, rather too high than too low, as no tokenizer is run for them.  A limit of tokens
that is kept by such guesses is never used to its whole; where guesses are too low for what a target is asked (dense
code, say) it would be overrun.  `gate.TargetGate` puts every guess right by the ratio that the target's own reports
show; where it has not reported yet, guesses count as they are.
"""

_LEAST_ANSWERS = 8
_FORGOTTEN_HALF_AFTER = 128
_MARGIN = 1.005
_LEAST_RATIO = 0.1
_MOST_RATIO = 5.0


class PromptRatio:
    """The reported tokens of recent prompts over the guessed ones, a little on the high side.

    It is a ratio of sums: what a limit is used up by is the sum, and long prompts weigh in it as they weigh there.
    """

    __slots__ = ("_answers", "_guessed", "_reported", "value")

    def __init__(self) -> None:
        self._answers = 0
        self._guessed = 0.0
        self._reported = 0.0
        self.value = 1.0

    def learn(self, *, guessed: int, reported: int) -> None:
        """One answer said that its prompt was `reported` tokens, where we had taken it for `guessed`."""
        if guessed <= 0 or reported <= 0:
            return
        self._answers += 1
        self._guessed += guessed
        self._reported += reported
        if self._answers >= _FORGOTTEN_HALF_AFTER:
            self._answers //= 2
            self._guessed /= 2.0
            self._reported /= 2.0
        if self._answers >= _LEAST_ANSWERS:
            self.value = min(_MOST_RATIO, max(_LEAST_RATIO, _MARGIN * self._reported / self._guessed))
