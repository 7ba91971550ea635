"""Many transcripts at once: which files, what is done with each, and who does it."""
