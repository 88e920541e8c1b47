# SPDX-License-Identifier: Apache-2.0
"""`python -m osci_jobs` is `osci`."""

import sys

from osci_jobs.cli import main

sys.exit(main())
