"""All runs of the folder."""
