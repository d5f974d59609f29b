"""In what two runs of a task differ, and the ways of telling it. Knows no terminal."""
