"""`python -m server.installation FOLDER`: write this version's units again. An upgrade runs it for each version."""

import sys
from pathlib import Path

from server.installation.system_files import SystemPlaces, write_system_files

write_system_files(SystemPlaces(folder=Path(sys.argv[1])))
