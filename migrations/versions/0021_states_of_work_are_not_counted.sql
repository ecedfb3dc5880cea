-- States of work are not counted.

-- Whenever they are counted at rest, all work is done; the planner then believes that nothing is ever open, and reads
-- all that is open (which costs nothing, as it believes) once for each row of a batch: thousands of times thousands.
-- Uncounted, each state is taken for a small part of the table, and rows are found by their keys.
ALTER TABLE work.item ALTER COLUMN state SET STATISTICS 0;
ALTER TABLE work.deadline ALTER COLUMN state SET STATISTICS 0;

-- The same type again: nothing is written, and what was counted before is forgotten.
ALTER TABLE work.item ALTER COLUMN state TYPE TEXT;
ALTER TABLE work.deadline ALTER COLUMN state TYPE TEXT;
