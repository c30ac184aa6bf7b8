"""The access log: who did what, about whom, when; chained by hash."""
