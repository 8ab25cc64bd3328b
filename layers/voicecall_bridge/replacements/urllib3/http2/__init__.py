"""HTTP/2, which wants a package that the layer does not have. See build.py.

Only `probe` is here, which urllib3 asks for every connection. What was in this module loaded
importlib.metadata, to look for that package.
"""
