"""What goes wrong in a rehearsal: which requests, decided by a script; and how, for answers and for connections."""
