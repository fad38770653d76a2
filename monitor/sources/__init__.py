"""One module per network, a registry, and the one HTTP client they share."""
