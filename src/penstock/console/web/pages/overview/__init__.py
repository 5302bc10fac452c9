"""Overview: how it stands now, and what was asked, at what cost and how well, against the time before."""
