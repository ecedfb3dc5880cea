"""Ports: the same from run to run, and never somebody else's."""

import socket

from service.stack.ports import LOOPBACK, is_free, keep_ports


def test_ports_are_the_same_at_the_next_start(tmp_path):
    first = keep_ports(tmp_path / "ports.json", ["kafka", "s3"])
    assert len(set(first.values())) == 2
    assert keep_ports(tmp_path / "ports.json", ["kafka", "s3"]) == first


def test_a_port_that_somebody_took_is_replaced_and_the_others_stay(tmp_path):
    first = keep_ports(tmp_path / "ports.json", ["kafka", "s3"])
    with socket.create_server((LOOPBACK, first["s3"])):
        assert not is_free(first["s3"])
        second = keep_ports(tmp_path / "ports.json", ["kafka", "s3"])
    assert second["kafka"] == first["kafka"]
    assert second["s3"] != first["s3"]


def test_a_broken_note_only_means_new_ports(tmp_path):
    (tmp_path / "ports.json").write_text("{")
    assert keep_ports(tmp_path / "ports.json", ["kafka"])["kafka"] > 0
