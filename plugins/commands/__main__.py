"""`python -m plugins.commands`, the same as `kntests`."""

import sys

from plugins.commands import main

sys.exit(main())
