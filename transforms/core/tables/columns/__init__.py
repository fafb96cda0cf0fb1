"""What a column is: its name, its type, its rules, and what was seen of it."""
