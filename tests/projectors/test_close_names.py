"""Names that are nearly one that is there are found by the index of names, however many there are."""

from sqlalchemy import event

from projectors.close_names import close_names, one_slip_away
from tests.projectors.test_file_search import FILES, many_files


def test_one_slip_is_one_sign_more_less_or_other_two_exchanged_or_the_other_case():
    found = set(one_slip_away("ab"))
    assert {"a", "b", "ba", "xab", "axb", "abx", "xb", "ax", "AB"} <= found
    assert not {"ab", "", "abxy", "xy"} & found
    assert len(set(one_slip_away("a" * 64))) < 10_000
    assert len(set(one_slip_away("a" * 5000))) < 20_000, "bounded, whatever is asked"


def test_close_names_are_found_wherever_the_slip_is_and_without_reading_all_names(engine):
    many_files(engine, FILES)
    name = f"f{FILES // 3}"
    asked = []
    with engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))
        for slip in (f"{name}x", f"x{name}", f"{name[0]}x{name[2:]}", name.upper(), f"{name}.fits", name[1:]):
            found = close_names(connection, f"roman/{slip}", at_most=40)
            assert f"keck/{name}" in found, slip
        assert close_names(connection, "frame_of_another_site_00017") == []
        for hostile in ("", "%", "roman/", "\\", "'", "x" * 3000, "ü" * 200):
            close_names(connection, hostile)
        before = asked.copy()
        for statement, values in before:
            steps = "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars())
            assert "Seq Scan" not in steps, steps
