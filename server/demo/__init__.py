"""A filled clinic that never was, for whoever wants to look at the pages: `interval-coach-server demo`."""
