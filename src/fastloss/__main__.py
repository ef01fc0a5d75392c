"""``python -m fastloss`` is the command line."""

import sys

from fastloss.app.cli import main

sys.exit(main())
