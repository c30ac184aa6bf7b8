"""Regions, clinics, accounts, and who may do what where."""
