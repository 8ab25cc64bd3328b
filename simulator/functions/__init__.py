"""The functions of template.yaml in processes of their own, as Lambda runs them."""
