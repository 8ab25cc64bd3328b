"""The console: a web page, and the REST interface behind it, on which one watches calls happen."""
