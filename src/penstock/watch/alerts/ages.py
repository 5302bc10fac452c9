"""How long something lasts, as people say it."""


def age(seconds: float) -> str:
    """`85 s`, `12 min`, `23.9 h`, `16 days`: what is enough to tell how bad it is."""
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    if seconds < 3570:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
