"""How well an assistant's scope is kept, by how many examples; and what the judgements on answers find and let be."""
