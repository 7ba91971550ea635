"""Compact language-model transcripts: always valid, measured loss, measured cost."""

__version__ = "0.1.0"
