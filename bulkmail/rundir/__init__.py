"""The run directory: every file of it is written and read here, typed both ways."""
