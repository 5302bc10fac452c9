"""What an answer may say, and what it must be.

Rules on words are `Pattern`s, for whole texts and streams alike: `terms`, `claims`, `tone`.  Judgements on a whole
answer: `schema`, `length`, `disclaimers`, `prices`, `refusals`, `confidence`, `harm`.
"""
