"""Stands for one `easel` command: `twig.py SOCKET ARGUMENTS`. See `tests/warm/__init__.py`.

It reads no module that takes time: this is started thousands of times.
"""

import _signal
import _socket
import os
import sys

SCM_RIGHTS = _socket.SCM_RIGHTS
# What is passed on, and as what; SIGUSR1 is `warm.kill`.
PASSED_ON = {_signal.SIGTERM: b"T", _signal.SIGINT: b"I", _signal.SIGUSR1: b"K"}


def main():
    stem = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    stem.connect(sys.argv[1])
    arguments = sys.argv[2:]
    environment = [f"{name}={value}" for name, value in os.environ.items()]
    fields = [os.getcwd(), str(len(arguments)), *arguments, *environment]
    said = "\0".join(fields).encode("utf-8", "surrogateescape")
    files = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
    head = len(said).to_bytes(4, "big")
    stem.sendmsg([head], [(_socket.SOL_SOCKET, SCM_RIGHTS, files)])
    while said:
        said = said[stem.send(said) :]
    for number, letter in PASSED_ON.items():
        _signal.signal(number, lambda *_, letter=letter: stem.send(letter))
    answer = stem.recv(4)
    status = int.from_bytes(answer, "big", signed=True) if answer else -_signal.SIGKILL
    if status < 0:
        if -status in PASSED_ON:
            _signal.signal(-status, _signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


main()
