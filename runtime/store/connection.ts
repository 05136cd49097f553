import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Texts above this many characters go to the table of large texts (the limit of the Azure Storage provider's rows). */
export const largeTextLength = 45 * 1024;

/** Where a text is: in its row, or in the table of large texts. */
export type Placed = { readonly text: string | null; readonly largeId: number | null };

/** A database with its prepared statements. */
export class Connection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** A statement, prepared once. */
  sql(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }

  begin(): void {
    this.#database.exec('BEGIN IMMEDIATE');
  }

  commit(): void {
    this.#database.exec('COMMIT');
  }

  /** Undoes the transaction under way, if SQLite has not done so already. */
  rollBack(): void {
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
  }

  /** Finds a place for a text. A row that refers to the table of large texts takes its text with it when it is deleted. */
  place(text: string | null): Placed {
    if (text === null || text.length <= largeTextLength) return { text, largeId: null };
    const inserted = this.sql('INSERT INTO large (text) VALUES (?)').run(text);
    return { text: null, largeId: Number(inserted.lastInsertRowid) };
  }
}
