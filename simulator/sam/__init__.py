"""template.yaml as the simulator reads it."""
