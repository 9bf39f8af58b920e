"""``python -m functions``: everything on this machine, behind one port."""

import sys

from functions.local.launcher import main

if __name__ == "__main__":
    sys.exit(main())
