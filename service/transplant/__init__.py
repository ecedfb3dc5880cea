"""A site's ledger, and all that can't be made from it, carried into empty servers: ``meridian export`` and ``import``.

What has to be carried, by the laws:

- the *ledger*, every committed record of every partition in order, its bytes as they are: all state is its fold;
- *requests* as long as Kafka keeps them, with how far they were decided: one that was acknowledged is decided once, and
  the auditor can go on to pair those that were;
- the *inboxes* from where intake has let go of them: what a sender has left there is not lost;
- *dead letters* and the notes about them, for ever; *answers* as long as Kafka keeps them, since those that intake gave
  are written nowhere else, and those that workers gave must not be given twice;
- the archive's own *registers* (schema ``operations``): projections never rebuild them;
- who led past which halt, and which records every part passes over.

Not carried: views, snapshots, outcomes, watermarks, work items, deadlines. They are folded from the ledger again.

Offsets of the ledger are others afterwards, for commit markers take some, and so do the ids of topics: to every part
it is a restored topic. Offsets of all other topics stay: names of messages (``origin``, ``witness``) go by them, and no
later message may ever have the name of an earlier one. A topic that begins further on is filled up and cut off there.
Where it had gaps, it ends where it ended.
"""
