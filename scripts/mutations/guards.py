"""Deliberate faults in how guards are run: what a guard says must count, and what it could not say must show."""

from mutations.mutation import Mutation

JUDGING = "tests/guard/test_judging.py"
REMEMBERED = "tests/guard/test_remembered.py"
ANSWER = "tests/guard/test_answer.py"
PLAIN = "tests/guard/patterns/test_plain.py"
SEAMS = "tests/app/test_guard_seams.py"
TEXTS = "tests/guard/test_texts.py"

MUTATIONS = (
    Mutation(
        "a word is taken for another one of the same bytes",
        "guard/personal/names/written.py",
        "zip(words, map(len, words), strict=True)",
        "words",
        "tests/guard/personal/names/test_written.py",
    ),
    Mutation(
        "a closed guard that could not judge lets everything through",
        "guard/hearing.py",
        'is_let_through = ward.fail == "open" or ward.mode == "shadow"',
        "is_let_through = True",
        JUDGING,
    ),
    Mutation(
        "a guard that could not judge leaves no fact",
        "guard/judging.py",
        "                hearing.failed(ward, failure.reason)\n",
        "                continue\n",
        JUDGING,
    ),
    Mutation(
        "a guard that raised is taken to have found nothing",
        "guard/judging.py",
        '            raise CannotJudge(f"raised_{type(error).__name__}"[:60]) from error\n',
        "            lists = [() for _ in texts]\n",
        JUDGING,
    ),
    Mutation(
        "a place beyond the text is taken for a finding",
        "guard/judging.py",
        "0 <= finding.begin <= finding.end <= length and",
        "0 <= finding.begin <= finding.end and",
        JUDGING,
    ),
    Mutation(
        "opinions may be fewer than the texts",
        "guard/judging.py",
        "    if len(lists) != len(texts):\n",
        "    if len(lists) > len(texts):\n",
        JUDGING,
    ),
    Mutation(
        "a text that is longer than what is read passes unread",
        "guard/judging.py",
        "        if sum(len(each.text) for each in texts) > self._most_chars:\n",
        "        if False:\n",
        JUDGING,
    ),
    Mutation(
        "a picture passes a guard that must see all",
        "guard/judging.py",
        "            if unseen and ward.sees_all:\n",
        "            if unseen and not ward.sees_all:\n",
        JUDGING,
    ),
    Mutation(
        "what one guard found is taken for what another would",
        "guard/remembered.py",
        "        return known.get(id(ward))\n",
        "        return next(iter(known.values()), None)\n",
        REMEMBERED,
    ),
    Mutation(
        "a text is known whoever wrote it",
        "guard/remembered.py",
        "            person=f\"{segment.trust}{'' if segment.is_said else '-'}\".encode(),\n",
        "",
        REMEMBERED,
    ),
    Mutation(
        "findings go to the next text where one was known",
        "guard/judging.py",
        "        found = [next(lists) if each is None else each for each in known]\n",
        "        found = [*lists, *(each for each in known if each is not None)]\n",
        REMEMBERED,
    ),
    Mutation(
        "what was remembered has no end",
        "guard/remembered.py",
        "        if len(self._young) >= self._half:\n",
        "        if False:\n",
        REMEMBERED,
    ),
    Mutation(
        "a single text of a message is sent as it was",
        "guard/texts.py",
        "        if text is not part.text and text != part.text:\n",
        "        if False:\n",
        TEXTS,
    ),
    Mutation(
        "a tool's message is taken for one that nobody else wrote",
        "guard/texts.py",
        '        message.role == "tool" or any(type(part) not in _OF_THE_ROLE for part in message.parts)\n',
        "        any(False for part in message.parts)\n",
        TEXTS,
    ),
    Mutation(
        "a guard of one tenant's list holds for all",
        "app/guards/personal.py",
        "            return not tenants or exchange.principal.tenant in tenants\n",
        "            return True\n",
        "tests/app/test_guard_lists.py",
    ),
    Mutation(
        "an answer that is sent as one passes unread",
        "guard/answer.py",
        "            if text and self._window.whole(text) != [text]:\n",
        "            if text and not self._window.whole(text):\n",
        ANSWER,
    ),
    Mutation(
        "a tool's arguments in an answer that is sent as one pass unread",
        "guard/answer.py",
        "            elif isinstance(event, ToolCall):\n                return True\n",
        "",
        ANSWER,
    ),
    Mutation(
        "pieces of an answer that is sent as one are read one by one",
        "guard/answer.py",
        '            text = plain("".join(pieces))\n            if text and self._window',
        "            text = plain(pieces[0])\n            if text and self._window",
        ANSWER,
    ),
    Mutation(
        "JSON in an answer that is sent as one is read with its escapes",
        "guard/answer.py",
        'event.logprobs is not None or (self._is_json and event.channel == "answer")',
        "event.logprobs is not None",
        ANSWER,
    ),
    Mutation(
        "a value that begins in one text and ends in the next is looked for in none",
        "guard/judging.py",
        "            if ward.reads_on and len(texts) > 1:\n",
        "            if False:\n",
        SEAMS,
    ),
    Mutation(
        "of a value over two texts the first side is left",
        "guard/seams.py",
        "            yield from _side(one, each, each.begin + len(one.text) - len(tail), len(one.text))\n",
        "",
        SEAMS,
    ),
    Mutation(
        "texts of two hands are read as one",
        "guard/seams.py",
        "if one.trust == other.trust and one.is_said and other.is_said:",
        "if one.is_said and other.is_said:",
        SEAMS,
    ),
    Mutation(
        "what nobody sees hides a value",
        "guard/patterns/plain.py",
        "    if text.isascii() or _UNSEEN.search(text) is None:\n",
        "    if text:\n",
        PLAIN,
    ),
    Mutation(
        "a blank that does not break hides a value",
        "guard/patterns/plain.py",
        "    return text if text.isascii() or _ANY.search(text) is None else text.translate(_PLAIN)\n",
        "    return text\n",
        PLAIN,
    ),
    Mutation(
        "what is unseen moves what is found",
        "guard/patterns/plain.py",
        "        begin = each.begin + _shift(begins, shifts, each.begin + 1)\n",
        "        begin = each.begin\n",
        PLAIN,
    ),
)
