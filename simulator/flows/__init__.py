"""Contact flows in the simulator: read from a file, held to Connect's limits, and walked."""
