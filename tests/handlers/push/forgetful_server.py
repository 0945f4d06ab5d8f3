"""A whole server as a process of its own, which notes so late what is to be pushed that it can be killed before."""

import sys

from config.settings import Settings
from handlers.push.service import intake, watch
from run import CORE
from server import serving

if __name__ == "__main__":
    intake.PAUSE = watch.EVERY = 3600.0
    settings = Settings(_env_file=None)
    sys.exit(serving.serve(settings, CORE, program=[sys.executable, "-m", "tests.handlers.push.forgetful_server"]))
