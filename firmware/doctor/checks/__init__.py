"""One check in each file. Each returns findings with advice."""
