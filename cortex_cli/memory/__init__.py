"""Observational memory: a dated log in the place of a summary. Source: SPEC section 6."""
