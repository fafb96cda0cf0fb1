"""Sheets of workbooks to blocks of columns of text."""
