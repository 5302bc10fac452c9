"""Whether anything of a person ever leaves, and whether all of it comes back: generated conversations, byte by byte."""
