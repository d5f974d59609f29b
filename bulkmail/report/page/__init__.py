"""A run as one HTML page that needs nothing else: what is on it, how it is drawn, and how it is written."""
