"""template.yaml as the stand reads it."""
