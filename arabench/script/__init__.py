"""Script: Arabic typed in Latin letters and digits (Arabizi), and the way back."""
