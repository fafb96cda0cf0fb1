"""Copying objects: what to copy, how, and the proof that it arrived."""
