"""The settings of the functions, read from the environment as template.yaml names it."""
