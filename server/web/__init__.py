"""The pages' frame: layout, styles, scripts, log-in and security, shared by all of the server's pages."""
