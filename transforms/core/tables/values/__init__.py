"""Blocks of texts of one column: what they are, and as typed Arrow values."""
