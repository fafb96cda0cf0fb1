"""CSV and its kin: which dialect, where records end, and their columns of text."""
