"""Replays samples against the simulator, and says what came of them."""
