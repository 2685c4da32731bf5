"""Answers of two models rated by people who do not know whose they are."""
