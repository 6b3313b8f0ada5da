"""Erasure: a person is taken out of everything this project has written, and that is proved.

Belongs here: what an erasure changes, in which order, and how it is proved. Does not belong here:
keeping erased customers out of later loads (``orchestration/landing/suppression.py``).
"""
