"""The pipelines: one module each, and the command line around them."""
