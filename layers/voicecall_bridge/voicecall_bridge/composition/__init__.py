"""Builds the objects of a function, once per execution environment: one module a function.

The modules without a function's name are the parts that several functions share. Only this room
reads the environment.
"""
