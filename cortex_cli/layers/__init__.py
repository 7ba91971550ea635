"""The layers, one callable each."""
