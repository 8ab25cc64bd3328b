"""Raw events to contacts: one module a source, each pure and total over what AWS may send."""
