"""The application without a terminal: what every command, test and worker calls. Imports neither typer nor rich."""
