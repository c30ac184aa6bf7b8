"""Installing the server on a computer with systemd: account, services, nightly backup; upgrade and the way back.

Nothing here needs Django: a new version is installed, tried and taken back by commands of each version's own program.
"""
