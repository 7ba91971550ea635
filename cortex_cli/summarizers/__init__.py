"""Summarisers: built-in and by a model, and the facts ledger."""
