"""What was tried against the installation: credentials that were refused, and keys that are used as never before."""
