"""The clinic's (or the nation's) server: identities, the collector, its database; the web pages stand on them."""
