"""What the server listens on."""

import socket

from speaker_runtime.cli.serve import listen


def test_small_chunks_do_not_wait_for_the_one_before() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
