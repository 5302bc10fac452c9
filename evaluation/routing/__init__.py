"""How well the complexity head tells which questions need the strong model, on questions and subjects held out."""
