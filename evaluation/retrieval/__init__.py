"""How well the index finds: sets with questions and what answers them, none of which is in the repository."""
