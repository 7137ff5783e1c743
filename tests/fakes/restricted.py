"""Runs a command with less than root has, by the kernel's own means.

Each function gives the words to put before a command.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import shutil
import struct
import subprocess
import sys

FLOCK = {"x86_64": 73, "aarch64": 32}  # the number of the system call
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x0005_0000, 0x7FFF_0000
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # of classic BPF


def ordinary_user() -> tuple[str, ...]:
    """The permissions of files hold, even for root."""
    without = "-dac_override,-dac_read_search"
    return ("setpriv", f"--bounding-set={without}") if os.geteuid() == 0 else ()


def unknown_user() -> tuple[str, ...]:
    """A user that the system does not know, so without a home folder, as in some containers."""
    return ("unshare", "--user", "--map-user=4242", "env", "--unset=HOME")


def has_user_namespaces() -> bool:
    """Whether `unknown_user` works here."""
    if sys.platform != "linux" or not shutil.which("unshare"):
        return False
    return subprocess.run([*unknown_user(), "true"], capture_output=True).returncode == 0


def without_locks() -> tuple[str, ...]:
    """No file can be locked, as where a file system has no locks."""
    return (sys.executable, __file__)


def has_seccomp() -> bool:
    """Whether `without_locks` works here."""
    return sys.platform == "linux" and platform.machine() in FLOCK


def refuse_flock() -> None:
    """Makes flock(2) fail with ENOLCK, in this process and in what it becomes."""
    program = (
        (LOAD, 0, 0, 0),  # the number of the system call
        (JUMP_IF_EQUAL, 0, 1, FLOCK[platform.machine()]),
        (RETURN, 0, 0, SECCOMP_RET_ERRNO | errno.ENOLCK),
        (RETURN, 0, 0, SECCOMP_RET_ALLOW),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    header = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    )
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0) == 0, ctypes.get_errno()


if __name__ == "__main__":
    refuse_flock()
    os.execvp(sys.argv[1], sys.argv[1:])
