"""`python -m server`: the same as `interval-coach-server`."""

import sys

from server.command_line import main

sys.exit(main())
