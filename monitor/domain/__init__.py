"""Plain data that every stage shares: no input, no output, no clock of its own."""
