"""The outside register, carried over a restore: its rows and its next number are as they were."""

from sqlalchemy import create_engine, text

from service.faults.register_copy import Register


def test_rows_and_the_next_number_are_as_they_were_read(postgres):
    engine = create_engine(postgres)
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE operations.kept (number bigint GENERATED ALWAYS AS IDENTITY, name text)")
        )
        connection.execute(text("INSERT INTO operations.kept (name) VALUES ('a'), (NULL), (E'tab\\there')"))
    register = Register(postgres)
    register.read()
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE operations.kept RESTART IDENTITY"))
        connection.execute(text("INSERT INTO operations.kept (name) VALUES ('younger')"))
    register.write()
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO operations.kept (name) VALUES ('next')"))
        found = connection.execute(text("SELECT number, name FROM operations.kept ORDER BY number")).all()
    engine.dispose()
    assert [tuple(row) for row in found] == [(1, "a"), (2, None), (3, "tab\there"), (4, "next")]
