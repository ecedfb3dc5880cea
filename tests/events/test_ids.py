"""Names made from names are the same for everyone, in any language."""

from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from events.ids import NAMESPACE, derived_id, partition_of, record_id

text = st.text(st.characters(exclude_categories=["Cs"]))


@given(text, text, text)
def test_a_record_id_is_the_uuid5_of_site_subject_and_request(site, subject, request_id):
    assert record_id(site, subject, request_id) == str(uuid5(NAMESPACE, f"{site}\n{subject}\n{request_id}"))


@given(text, text, st.integers(1, 9))
def test_a_derived_id_is_the_same_each_time_and_another_for_each_try(cause, purpose, attempt):
    assert derived_id(cause, purpose, attempt) == derived_id(cause, purpose, attempt)
    assert derived_id(cause, purpose, attempt) != derived_id(cause, purpose, attempt + 1)


@given(text, st.integers(1, 64))
def test_a_partition_is_one_of_those_there_are(subject, partitions):
    assert 0 <= partition_of(subject, partitions) < partitions


def test_partitions_never_move():
    """Written down: where a subject lives must not change with a version of anything."""
    subjects = (
        "roman-wfi/r0000101001001001001_0001_wfi01_f158_cal",
        "koaid/HI.20261121.12345.67",
        "größe",
        "",
    )

    assert [partition_of(each, 12) for each in subjects] == [WRITTEN_DOWN[each] for each in subjects]


WRITTEN_DOWN = {
    "roman-wfi/r0000101001001001001_0001_wfi01_f158_cal": 11,
    "koaid/HI.20261121.12345.67": 6,
    "größe": 5,
    "": 0,
}
