"""AWS in the simulator: moto's server, and what moto lacks."""
