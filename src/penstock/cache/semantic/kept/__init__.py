"""What the semantic cache knows, in PostgreSQL: for all processes of an installation, and over a restart."""
