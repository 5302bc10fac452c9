"""How long a search by text takes among very many exchanges."""
