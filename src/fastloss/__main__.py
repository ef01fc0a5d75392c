"""``python -m fastloss`` is the command line."""

import sys

from fastloss.cli import main

sys.exit(main())
