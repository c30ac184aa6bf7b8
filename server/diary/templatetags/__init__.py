"""Filters for the diary's templates."""
