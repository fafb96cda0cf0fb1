"""One module a database, behind the protocol of destination.py."""
