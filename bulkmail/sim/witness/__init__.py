"""What the simulator saw and holds, for the judge of a rehearsal; and the changes that the judge asks for."""
