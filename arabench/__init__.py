"""arabench: from raw Arabic text to an adapter one can trust.

Four jobs, four rooms: `arabench.corpus` prepares text, `arabench.evaluation`
measures models, `arabench.trainers` trains adapters, `arabench.gate` guards them.
Importing this package is cheap; heavy libraries load inside the functions that use them.
"""

import os as _os

__version__ = "0.1.0"

# In a checkout `trainers/` and `tasks/` stand beside this folder; in a wheel they
# are inside it. Either way they are imported as arabench.trainers, arabench.tasks.
_here = _os.path.dirname(_os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib costs 10 ms here
if not _os.path.isdir(_os.path.join(_here, "trainers")):  # noqa: PTH112, PTH118
    __path__.append(_os.path.dirname(_here))  # noqa: PTH120
