"""The lifecycle of a group: the whole table."""

from events import group as words
from machines.group_state import GroupState
from machines.lifecycle import SAME, Lifecycle, Row

__all__ = ["GROUP_LIFE"]

S = GroupState
NOTHING, OPEN, COMPLETE, CLOSED_SHORT, REOPENED = S.NOTHING, S.OPEN, S.COMPLETE, S.CLOSED_SHORT, S.REOPENED
KNOWN = frozenset(S) - {NOTHING}
ENDED = frozenset({COMPLETE, CLOSED_SHORT})
AGAIN = frozenset({COMPLETE, REOPENED})

GROUP_LIFE = Lifecycle(
    GroupState,
    initial=NOTHING,
    rows=[
        #   request               fact                       from              to
        Row(words.ExpectGroup,    words.GroupExpected,       NOTHING,          OPEN),
        Row(words.ExpectGroup,    words.GroupExpected,       OPEN,             {OPEN, COMPLETE}),
        Row(words.ExpectGroup,    words.GroupExpected,       ENDED,            AGAIN),
        Row(words.ExpectGroup,    words.GroupExpected,       REOPENED,         AGAIN),
        Row(words.CountMember,    words.GroupMemberCounted,  {NOTHING, OPEN},  {OPEN, COMPLETE}),
        Row(words.CountMember,    words.GroupMemberCounted,  AGAIN,            AGAIN),
        Row(words.CountMember,    words.GroupMemberCounted,  CLOSED_SHORT,     AGAIN | {CLOSED_SHORT}),
        Row(words.ExcuseMembers,  words.GroupExcused,        OPEN,             {OPEN, COMPLETE}),
        Row(words.ExcuseMembers,  words.GroupExcused,        REOPENED,         AGAIN),
        Row(words.ExcuseMembers,  words.GroupExcused,        CLOSED_SHORT,     ENDED),
        Row(words.GroupDue,       words.GroupDuePassed,      OPEN,             {OPEN, *ENDED}),
        Row(words.GroupDue,       words.GroupDuePassed,      REOPENED,         {REOPENED, *ENDED}),
        Row(words.CloseGroup,     words.GroupClosed,         {OPEN, REOPENED}, ENDED),
        Row(words.ReopenGroup,    words.GroupReopened,       ENDED,            REOPENED),
        Row(words.NoteGroup,      words.GroupNoted,          KNOWN,            SAME),
    ],
)  # fmt: skip
