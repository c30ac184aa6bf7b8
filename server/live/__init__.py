"""The live room: commands, notices, and what waits to be published to the machines."""
