"""Deliberate faults in answers from documents, on their way through a request."""

from mutations.mutation import Mutation

SCREENING = "guard/screening.py"
SCREENED = "tests/app/test_screening.py"
EXACT = "cache/exact.py"
KEPT = "tests/cache/test_exact.py"
CITE = "knowledge/cite.py"
CITED = "tests/knowledge/test_cite.py"
LIVE = "review/live/stage.py"
HELD = "tests/system/test_review.py"

MUTATIONS = (
    Mutation(
        "an answer that was made without looking into the documents is kept",
        "app/knowledge/plane.py",
        "            return None\n        return tuple(dict",
        "            return ()\n        return tuple(dict",
        "tests/system/test_knowledge.py -k done_without",
    ),
    Mutation(
        "what was found goes out unmasked",
        SCREENING,
        "            if hearing.mask:\n",
        "            if False:\n",
        SCREENED,
    ),
    Mutation(
        "a document with instructions goes into the prompt",
        SCREENING,
        "passage for at, passage in enumerate(kept) if at not in refused",
        "passage for at, passage in enumerate(kept)",
        SCREENED,
    ),
    Mutation(
        "sources stand where prompts are shortened, which is kept for people to see",
        "knowledge/prompt.py",
        "    at = _last_at(request)\n",
        "    at = _asked_at(request)\n",
        "tests/knowledge/test_prompt.py",
    ),
    Mutation(
        "kept answers outlive a right",
        EXACT,
        "        return not entry.tags or await self._shown.fits(exchange, entry)\n",
        "        return True\n",
        KEPT,
    ),
    Mutation(
        "who waited for an answer is not asked about",
        EXACT,
        "            if await self.may_have(exchange, boarding.entry):\n",
        "            if True:\n",
        KEPT,
    ),
    Mutation(
        "roles share what is made from documents", "cache/key.py", "who.roles if by_rights else None", "None", KEPT
    ),
    Mutation(
        "marks that name nothing stay",
        CITE,
        "            at = match.end()\n            self._unknown",
        "            at = match.end() if known else at\n            self._unknown",
        CITED,
    ),
    Mutation(
        "an answer that is held is said",
        LIVE,
        "return events if ruling is None else await self._held",
        "return events if ruling is not None else events or await self._held",
        HELD,
    ),
    Mutation("a hold is not written down", LIVE, "        await self._parts.write(hold)\n", "", HELD),
    Mutation(
        "values are sealed that the caller may not see",
        "guard/personal/vault/held.py",
        " if may(exchange, kind_of(token))",
        "",
        "tests/guard/personal/test_held.py",
    ),
)
