"""Bytes that nobody has read yet, as Linux lists them."""

from speaker_runtime.cli.unread import unread

TABLE = """\
   0: 0100007F:1F90 00000000:0000 0A 00000003:00000000 00:00000000 00000000     0        0 1 1
   1: 0100007F:1F90 0100007F:C1A2 04 0002A000:00000000 01:00000014 00000000     0        0 0 2
   2: 0100007F:1F90 0100007F:C1A4 01 00000000:00000010 00:00000000 00000000     0        0 3 1
   3: 0100007F:C1A2 0100007F:1F90 01 000000FF:00001000 00:00000000 00000000     0        0 4 1
   4: 00000000000000000000000001000000:1F90 0:C1A6 05 00000010:00000000 00:0 0 0 0 0 2
""".splitlines()


def test_what_a_port_has_sent_and_nobody_acknowledged_is_counted() -> None:
    assert unread(8080, TABLE) == 0x2A000 + 0x10


def test_other_ports_and_what_waits_for_us_are_not() -> None:
    assert unread(8081, TABLE) == 0
