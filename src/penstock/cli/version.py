"""`penstock version`."""

import penstock


def version() -> None:
    """Print the version."""
    print(penstock.__version__)
