"""What is told of a run: one view of its directory, and the ways of telling it. Knows no terminal."""
