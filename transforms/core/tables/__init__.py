"""Tables: from CSV and Excel bytes to typed rows in a database."""
