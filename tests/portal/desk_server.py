"""The portal as a process of its own, for tests: `python -m tests.portal.desk_server ROOT STATE PORT`."""

import sys
from pathlib import Path

from portal.server import serve
from tests.portal import portal_scenario as scenario

if __name__ == "__main__":
    root, state, port = sys.argv[1:]
    serve(scenario.settings_for(Path(root), Path(state), url=f"http://127.0.0.1:{port}"), "127.0.0.1", int(port))
