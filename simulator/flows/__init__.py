"""Contact flows on the laptop: reads a flow's file, holds it to Connect's limits, and walks it."""
