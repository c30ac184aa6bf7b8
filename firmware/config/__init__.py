"""The settings: schema, file, generated documents and the command line's defaults."""
