"""Floor 0: pure values and rules. No I/O, no clock, no tasks, no other room."""
