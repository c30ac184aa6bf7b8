"""Commands of `interval-coach` that are no services: sessions, participants, replay, plots and exports."""
