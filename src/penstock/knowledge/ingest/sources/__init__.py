"""Where documents come from: folders, site maps, uploads; and who may read what comes from there."""
