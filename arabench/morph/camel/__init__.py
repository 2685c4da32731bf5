"""Segmenters on CAMeL's morphology, where camel-tools is installed."""
