"""Moves each service's data out of the shared database while it keeps serving, and can go back."""
