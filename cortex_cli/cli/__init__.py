"""The command line: the only room that knows Typer and Rich."""

import gc

GC_THRESHOLD = 1_000_000
"""New containers between two looks for cycles, instead of 700: our values are trees, and looking through those of
a session of 50 MB takes a tenth of the time. Set here, before anything else of the command is imported."""

gc.set_threshold(GC_THRESHOLD)
