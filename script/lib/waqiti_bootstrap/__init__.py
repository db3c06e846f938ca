"""Installs the project's tools. Standard library only: it runs before the Python environment exists."""
