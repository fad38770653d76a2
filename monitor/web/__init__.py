"""The pages and endpoints of the daemon."""
