/**
 * The database's versions, each a script that turns the one before into it. `PRAGMA user_version` counts how many are done.
 * Values that may be large have rows of their own, so that the rows that every turn touches stay small.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE facts (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID, STRICT;

  CREATE TABLE instances (
    instance_id TEXT PRIMARY KEY,
    execution_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT,
    status TEXT NOT NULL,
    custom_status TEXT,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    parent TEXT,
    source_instance_id TEXT,
    event_count INTEGER NOT NULL,
    played_count INTEGER NOT NULL,
    is_turn_due INTEGER NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX instances_turn_due ON instances (instance_id) WHERE is_turn_due = 1;
  CREATE INDEX instances_created ON instances (created_at_ms);

  CREATE TABLE payloads (
    instance_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('input', 'output')),
    text TEXT NOT NULL,
    PRIMARY KEY (instance_id, kind)
  ) STRICT;

  CREATE TABLE large (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;

  CREATE TABLE history (
    instance_id TEXT NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    events TEXT,
    large_id INTEGER,
    PRIMARY KEY (instance_id, first)
  ) WITHOUT ROWID, STRICT;
  CREATE TRIGGER history_large AFTER DELETE ON history WHEN old.large_id IS NOT NULL
    BEGIN DELETE FROM large WHERE id = old.large_id; END;

  CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL,
    execution_id TEXT,
    event TEXT,
    large_id INTEGER
  ) STRICT;
  CREATE INDEX inbox_instance ON inbox (instance_id, id);
  CREATE TRIGGER inbox_large AFTER DELETE ON inbox WHEN old.large_id IS NOT NULL
    BEGIN DELETE FROM large WHERE id = old.large_id; END;

  CREATE TABLE timers (
    instance_id TEXT NOT NULL,
    timer_id INTEGER NOT NULL,
    execution_id TEXT NOT NULL,
    due_at_ms INTEGER NOT NULL,
    PRIMARY KEY (instance_id, timer_id)
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX timers_due ON timers (due_at_ms);

  CREATE TABLE activities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    task_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    input TEXT,
    large_id INTEGER
  ) STRICT;
  CREATE INDEX activities_instance ON activities (instance_id);
  CREATE TRIGGER activities_large AFTER DELETE ON activities WHEN old.large_id IS NOT NULL
    BEGIN DELETE FROM large WHERE id = old.large_id; END;
  `,
  // Finds instances that ended long ago without a walk through all. The condition is the one of the query, word for word.
  `
  CREATE INDEX instances_ended ON instances (updated_at_ms)
    WHERE status IN ('Completed', 'Failed', 'Terminated', 'Canceled');
  `,
  // An activity stands with its instance's others, where the one before it stood: a step of a chain changes one page instead of four.
  `
  CREATE TABLE open_activities (
    instance_id TEXT NOT NULL,
    id INTEGER NOT NULL,
    execution_id TEXT NOT NULL,
    task_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    input TEXT,
    large_id INTEGER,
    PRIMARY KEY (instance_id, id)
  ) WITHOUT ROWID, STRICT;
  INSERT INTO open_activities SELECT instance_id, id, execution_id, task_id, name, input, large_id FROM activities;
  DROP TABLE activities;
  ALTER TABLE open_activities RENAME TO activities;
  CREATE TRIGGER activities_large AFTER DELETE ON activities WHEN old.large_id IS NOT NULL
    BEGIN DELETE FROM large WHERE id = old.large_id; END;
  `,
];
