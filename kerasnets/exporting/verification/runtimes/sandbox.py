"""Take rights away from the verifying process that it does not need: files, network, time.

On Linux, the process can then write only to its own temporary folder and /dev/null, and has no
network. Where the kernel or a container does not allow these restrictions, the process runs without
them. :func:`enter` must be called before other threads start.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

# System calls and constants of Linux, from linux/landlock.h, linux/prctl.h and linux/sched.h.
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
# Write, remove and make files and folders: bits 1 and 4 to 12.
_CHANGE_FILES = _WRITE_FILE | sum(1 << bit for bit in range(4, 13))
_BIND_AND_CONNECT_TCP = 1 << 0 | 1 << 1


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


def enter(folder: Path, seconds: float | None) -> list[str]:
    """Restrict this process.

    Args:
        folder: the only folder in which files may be written.
        seconds: the largest processor time per core. The parent also ends the process after this
            time, unless it was killed itself.

    Returns:
        What is restricted: ``"time"``, ``"files"``, ``"network"``.
    """
    restricted = []
    if seconds is not None:
        limit = int(seconds * (os.cpu_count() or 1)) + 60
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        if hard == resource.RLIM_INFINITY or hard > limit:
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        restricted.append("time")
    if not sys.platform.startswith("linux"):
        return restricted
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # Without privileges, a process may only unshare the network together with its user.
    offline = not libc.unshare(_CLONE_NEWNET) or not libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, 1)
    if version > 0 and _restrict_files(libc, folder, version):
        restricted.append("files")
    if offline or ("files" in restricted and version >= 4):
        restricted.append("network")
    return restricted


def _restrict_files(libc: ctypes.CDLL, folder: Path, version: int) -> bool:
    """Allow changes of files only in ``folder``, with Landlock; from version 4, also deny TCP."""
    changes = _CHANGE_FILES | (_TRUNCATE if version >= 3 else 0)
    rules = _Ruleset(changes, _BIND_AND_CONNECT_TCP if version >= 4 else 0)
    size = ctypes.sizeof(rules) if version >= 4 else ctypes.sizeof(ctypes.c_uint64)
    ruleset = libc.syscall(_LANDLOCK_CREATE_RULESET, ctypes.byref(rules), size, 0)
    if ruleset < 0:
        return False
    allowed = {folder: changes, Path(os.devnull): changes & (_WRITE_FILE | _TRUNCATE)}
    try:
        for path, access in allowed.items():
            parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
            rule = _PathBeneath(access, parent)
            failed = libc.syscall(
                _LANDLOCK_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0
            )
            os.close(parent)
            if failed:
                return False
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bool(libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)
