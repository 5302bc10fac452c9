"""Which of 110 answers decline what was asked: read by one person, by their ids in HaluEval's general set.

Declines: it neither does what was asked nor offers anything of it; to ask for what is missing is to decline.  Drawn at
random from the answers that the check calls refusals (`FLAGGED`), and from the others whose first 200 characters have
a word of declining (`NEAR`).  Twenty of the rest were read too: none declines.
"""

from typing import Final

FLAGGED: Final = (
    "1606", "929", "2170", "3802", "362", "456", "2775", "694", "2014", "3088", "395", "2692", "1122", "124",
    "567", "2511", "2358", "410", "1253", "3366", "2860", "2359", "3820", "814", "1125", "2997", "4177",
    "4083", "3865", "258", "853", "1457", "1121", "4077", "1371", "2779", "1435", "4452", "1378", "2258",
    "1752", "3125", "2753", "2667", "2538", "1600", "3940", "988", "3274", "2525",
)  # fmt: skip
FLAGGED_BUT_HELPS: Final = (
    "1606", "929", "456", "395", "2511", "410", "2860", "2359", "1371", "1435", "1457", "1600",
)  # fmt: skip
NEAR: Final = 60
NEAR_AND_DECLINES: Final = (
    "1274", "558", "2601", "4440", "878", "3205", "4175", "2651", "4380", "1981", "3476", "1179",
)  # fmt: skip
