"""Replay: what strategies would have cost and kept on a recorded session, call by call."""
