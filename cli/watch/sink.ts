import type { MigrationStatus } from '../../contracts/migration';

/** Where a watched run is drawn. All times in milliseconds since 1970. */
export interface WatchSink {
  /** A look that got an answer. */
  status(status: MigrationStatus, nowMs: number): void;
  /** A look that got none; `sinceMs` is the first of them in a row. */
  away(message: string, sinceMs: number, nowMs: number): void;
  /** No further looks: whatever was drawn stays as it is. */
  end(): void;
}
