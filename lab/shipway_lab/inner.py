"""Process 1 of the lab's process namespace: adopts orphans, passes on the signal to stop, ends when its child does.

Its end is the end of every process in the lab, whatever they are doing: the kernel sees to that.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from shipway_lab.paths import LabPaths


def main(arguments: list[str]) -> int:
    """Run the supervisor as a child.

    Args:
        arguments: State folder, then `SERVICE=FD` for each listener.

    Returns:
        The supervisor's exit code.
    """
    paths = LabPaths(Path(arguments[0]))
    listeners = {service: int(descriptor) for service, descriptor in (word.split("=") for word in arguments[1:])}
    child = os.fork()
    if child == 0:
        # Imported by the child alone: what process 1 loads it keeps for as long as the lab lives.
        from shipway_lab import supervisor  # noqa: PLC0415

        os._exit(supervisor.run(paths, listeners))
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for descriptor in listeners.values():
        os.close(descriptor)
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
