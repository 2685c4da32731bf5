"""`python -m arabench.cli`."""

import sys

from arabench.cli.main import main

sys.exit(main())
