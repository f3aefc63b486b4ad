"""Runs a command under what a unit of systemd locks down, as far as that can be had without systemd: its filter of system
calls, address families and namespaces (seccomp), no capabilities and no new privileges, another user, and of the file
system what ProtectSystem=strict, PrivateTmp, PrivateDevices, ProcSubset=pid and ProtectProc=invisible leave.

    locked_down.py UNIT UID WRITABLE-FOLDER COMMAND...
"""

import ctypes
import os
import subprocess
import sys
import tempfile

ALLOW = 0x7FFF0000
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
# Every kind of namespace that clone can make.
NEW_NAMESPACES = 0x7E020080
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 38, 24
EPERM, ENOSYS = 1, 38
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
NE, EQ, MASKED_EQ = 1, 4, 7

libc = ctypes.CDLL(None, use_errno=True)
seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p


class Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def settings_of(unit):
    found = {}
    for line in open(unit):
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def expand(word):
    """The system calls of a word of SystemCallFilter, as systemd has them."""
    if not word.startswith("@"):
        return {word}
    listed = subprocess.run(["systemd-analyze", "syscall-filter", word], check=True, capture_output=True, text=True).stdout
    names = [line.strip() for line in listed.splitlines()[1:]]
    return {call for name in names if name and not name.startswith("#") for call in expand(name)}


def allowed_calls(settings):
    calls = set()
    for value in settings["SystemCallFilter"]:
        expanded = {call for word in value.lstrip("~").split() for call in expand(word)}
        calls = calls - expanded if value.startswith("~") else calls | expanded
    return calls


def load_filter(settings):
    context = ctypes.c_void_p(seccomp.seccomp_init(0x00050000 | EPERM))

    def rule(action, name, *comparisons):
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return
        array = (Comparison * len(comparisons))(*comparisons)
        if seccomp.seccomp_rule_add_array(context, ctypes.c_uint32(action), number, len(comparisons), array) != 0:
            raise SystemExit(f"no rule for {name}")

    families = [FAMILIES[name] for name in settings["RestrictAddressFamilies"][0].split()]
    for call in allowed_calls(settings) - {"unshare", "setns", "clone3", "personality"}:
        if call in ("socket", "socketpair"):
            for family in families:
                rule(ALLOW, call, Comparison(0, EQ, family, 0))
        elif call == "clone":
            rule(ALLOW, call, Comparison(0, MASKED_EQ, NEW_NAMESPACES, 0))
        else:
            rule(ALLOW, call)
    # As systemd does it: the C library takes clone then, whose flags can be looked at.
    rule(0x00050000 | ENOSYS, "clone3")
    if seccomp.seccomp_load(context) != 0:
        raise SystemExit("the filter of system calls cannot be loaded")


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def lock_files(folder):
    if libc.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC) != 0:
        raise SystemExit(f"no namespace of its own: {os.strerror(ctypes.get_errno())}")
    mount("--make-rprivate", "/")
    mount("--bind", folder, folder)
    devices = tempfile.mkdtemp()
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", devices)
    for name in ("null", "zero", "full", "random", "urandom"):
        open(f"{devices}/{name}", "w").close()
        mount("--bind", f"/dev/{name}", f"{devices}/{name}")
    os.mkdir(f"{devices}/shm")
    os.chmod(f"{devices}/shm", 0o1777)
    mount("--move", devices, "/dev")
    mount("-t", "proc", "-o", "subset=pid,hidepid=invisible", "proc", "/proc")
    mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/tmp")
    mount("-o", "bind,remount,ro", "/")


def main(unit, uid, folder, *command):
    settings = settings_of(unit)
    lock_files(folder)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setgid(int(uid))
    os.setuid(int(uid))
    os.umask(int(settings["UMask"][0], 8))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    load_filter(settings)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
