"""``python -m functions.analyze.doctor``: whether everything is there that an analysis and a download need."""

import sys

from functions.analyze.doctor.command import main

if __name__ == "__main__":
    sys.exit(main())
