"""`python -m server`: the same as `interval-coach-server`."""

import sys

from server.entry_point import main

sys.exit(main())
