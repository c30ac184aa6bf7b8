"""Treadmill guidance: by rule, or learned from a Bayesian model of the participant's heart rate."""
