"""Prompt injection and exfiltration: texts judged by who wrote them, fences, canaries, checks of answers."""
