"""The stages a mention goes through; `flow` alone names them in order."""
