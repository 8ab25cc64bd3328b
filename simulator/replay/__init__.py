"""Replays samples against the simulator, and shows the results."""
