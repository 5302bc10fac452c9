"""Personal data: found, replaced by tokens before it leaves, and put back for those who may see it."""
