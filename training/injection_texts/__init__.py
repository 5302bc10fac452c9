"""Texts that the injection head is trained on beside recorded attacks: written for it, and put together by chance.

Attacks are a goal in a disguise in a carrier; harmless texts have the same words for other purposes.
"""
