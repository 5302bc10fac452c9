"""What an assistant is for: whether a question belongs to it, in which language, and of what size and shape it may be.

`head` judges against examples, `fit` makes such a head at start; `language`, `repetition` and `refusal` stand alone.
"""
