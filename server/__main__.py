"""`python -m server`: the same as `interval-coach-server`."""

import sys

from server.first_step import main

sys.exit(main())
