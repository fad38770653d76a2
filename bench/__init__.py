"""Every figure the documentation quotes: `make bench`."""
