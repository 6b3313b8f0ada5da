"""Handing results over: files that others read, written aside and put in place at once."""
