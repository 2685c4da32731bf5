"""Bases and adapters: what is in a folder, how it is loaded, whether an adapter is live."""
