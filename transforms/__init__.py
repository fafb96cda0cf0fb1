"""Reusable Beam transforms: they wire; the work lives in transforms.core."""
