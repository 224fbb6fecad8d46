# SPDX-License-Identifier: BSD-2-Clause
"""Makes a zip archive."""

import sys
import zipfile

with zipfile.ZipFile(sys.argv[1], "w") as archive:
    for name in sys.argv[2:]:
        archive.write(name)
