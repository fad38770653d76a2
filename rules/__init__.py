"""The rule language: what is worth telling somebody. Pure: no input, no output, no clock of its own."""
