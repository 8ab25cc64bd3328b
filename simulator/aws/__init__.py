"""AWS on the laptop: moto's server, and what moto lacks."""
