"""Filters for templates that name machines."""
