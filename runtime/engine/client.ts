import type { Clock } from './clock';
import type { EntityFilter, EntityPage, Page, Purged, Rewound, Sent, Started, StartRequest } from './client-types';
import type { Committer } from './commit';
import { entityInstanceId, entityOfInstanceId, type EntityName } from './decision';
import { signalText } from './entity-message';
import { messageEvent } from './entity-runner';
import { ensureEntity, isEntityId, readEntityState, type EntityState } from './entity-state';
import { EventType, isoTime, type HistoryEvent } from './history';
import { beginInstance, executionStarted, type Work } from './instances';
import { rewindTree } from './rewind';
import {
  isTerminal,
  type InstanceFilter,
  type InstanceRow,
  type RuntimeStatus,
  type Store,
  type StoreTx,
} from './store';

export type ClientParts = {
  readonly store: Store;
  readonly committer: Committer;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly onWork: (work: readonly Work[]) => void;
};

/** Ids longer than this are refused; the Azure Storage provider's limit. */
const instanceIdLengthMax = 256;

function invalidId(instanceId: string): string | undefined {
  if (instanceId.length > instanceIdLengthMax) return `Instance IDs have at most ${instanceIdLengthMax} characters.`;
  if (entityOfInstanceId(instanceId) !== undefined) return 'Orchestration instance IDs must not look like entity IDs.';
  return undefined;
}

/** What a client may ask of the engine. Everything that it acknowledges is durable. */
export class EngineClient {
  readonly #parts: ClientParts;

  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  /** Starts an orchestration; an id that a living instance has is refused, one of a finished instance is taken over. */
  async start(request: StartRequest): Promise<Started> {
    const instanceId = request.instanceId ?? this.#parts.newId().replaceAll('-', '');
    const reason = invalidId(instanceId);
    if (reason !== undefined) return { kind: 'invalidId', reason };
    return this.#begin(instanceId, request, null);
  }

  async #begin(
    instanceId: string,
    request: Omit<StartRequest, 'instanceId'>,
    sourceInstanceId: string | null,
  ): Promise<Started> {
    const status = await this.#parts.committer.commit((tx) =>
      beginInstance(tx, {
        instanceId,
        executionId: this.#parts.newId(),
        name: request.name,
        version: request.version ?? null,
        input: request.input,
        parent: null,
        sourceInstanceId,
        nowMs: this.#parts.clock.now(),
      }),
    );
    if (status !== undefined) return { kind: 'exists', instanceId, status };
    this.#parts.onWork([{ kind: 'instance', instanceId }]);
    return { kind: 'started', instanceId };
  }

  /** Starts an instance again with the input that it had; undefined when there is none. */
  async restart(instanceId: string, ids: 'new' | 'same'): Promise<Started | undefined> {
    const row = this.instance(instanceId);
    if (row === undefined) return undefined;
    const target = ids === 'new' ? this.#parts.newId().replaceAll('-', '') : instanceId;
    const request = { name: row.name, version: row.version ?? undefined, input: row.input };
    return this.#begin(target, request, instanceId);
  }

  /** `input` is JSON text. An event that nobody waits for yet is kept. */
  raiseEvent(instanceId: string, name: string, input: string | null): Promise<Sent> {
    const event = (stamp: Stamp): HistoryEvent => ({
      EventType: EventType.EventRaised,
      Name: name,
      Input: input,
      ParentTraceContext: null,
      ...stamp,
    });
    return this.#send(instanceId, event, () => true);
  }

  terminate(instanceId: string, reason: string | null): Promise<Sent> {
    const event = (stamp: Stamp): HistoryEvent => ({
      EventType: EventType.ExecutionTerminated,
      Input: reason,
      ...stamp,
    });
    return this.#send(instanceId, event, () => true);
  }

  suspend(instanceId: string, reason: string | null): Promise<Sent> {
    const event = (stamp: Stamp): HistoryEvent => ({
      EventType: EventType.ExecutionSuspended,
      Reason: reason,
      ...stamp,
    });
    return this.#send(instanceId, event, (status) => status !== 'Suspended');
  }

  resume(instanceId: string, reason: string | null): Promise<Sent> {
    const event = (stamp: Stamp): HistoryEvent => ({ EventType: EventType.ExecutionResumed, Reason: reason, ...stamp });
    return this.#send(instanceId, event, (status) => status === 'Suspended');
  }

  async #send(
    instanceId: string,
    event: (stamp: Stamp) => HistoryEvent,
    isAllowed: (status: RuntimeStatus) => boolean,
  ): Promise<Sent> {
    const sent = await this.#parts.committer.commit((tx): Sent => {
      const row = tx.instance(instanceId);
      if (row === undefined) return { kind: 'notFound' };
      if (isTerminal(row.status)) return { kind: 'finished' };
      if (!isAllowed(row.status)) return { kind: 'wrongState', status: row.status };
      const stamp = { EventId: -1, Timestamp: isoTime(this.#parts.clock.now()) };
      tx.post({ instanceId, executionId: null, event: event(stamp) });
      return { kind: 'sent' };
    });
    if (sent.kind === 'sent') this.#parts.onWork([{ kind: 'instance', instanceId }]);
    return sent;
  }

  instance(instanceId: string): InstanceRow | undefined {
    return this.#parts.store.read((tx) => tx.instance(instanceId));
  }

  /** The history of the current execution. An entity has none but its beginning: each of its turns is a new execution. */
  history(instanceId: string): readonly HistoryEvent[] {
    const row = this.instance(instanceId);
    if (row !== undefined && isEntityId(instanceId)) return [executionStarted({ ...row, nowMs: row.updatedAtMs })];
    return this.#parts.store.read((tx) => tx.history(instanceId));
  }

  /** One page of instances by id. `after` is the `next` of the page before, '' for the first. */
  list(filter: InstanceFilter, after: string, limit: number): Page {
    const rows = this.#parts.store.read((tx) => tx.listInstances(filter, after, limit));
    return { rows, next: rows.length < limit ? undefined : rows.at(-1)?.instanceId };
  }

  /** Sends an operation to an entity, which need not exist yet. `input` is JSON text. */
  async signalEntity(entity: EntityName, operation: string, input: string | null): Promise<void> {
    const instanceId = entityInstanceId(entity);
    await this.#parts.committer.commit((tx) => {
      const nowMs = this.#parts.clock.now();
      ensureEntity(tx, instanceId, this.#parts.newId, nowMs);
      const text = signalText(operation, input, this.#parts.newId(), null);
      tx.post({ instanceId, executionId: null, event: messageEvent('op', text, nowMs) });
    });
    this.#parts.onWork([{ kind: 'instance', instanceId }]);
  }

  /** The state of an entity, undefined when it does not exist. */
  entity(entity: EntityName): EntityState | undefined {
    const row = this.instance(entityInstanceId(entity));
    const state = row === undefined ? undefined : readEntityState(row);
    return state?.exists === true ? state : undefined;
  }

  /** Entities that exist, by id; `next` goes on after the page. */
  listEntities(filter: EntityFilter, after: string, limit: number): EntityPage {
    const { idPrefix, fromMs = -Infinity, toMs = Infinity } = filter;
    const page = this.list({ kind: 'entity', idPrefix }, after, limit);
    const entities = page.rows.flatMap((row): EntityPage['entities'] => {
      const entityId = entityOfInstanceId(row.instanceId);
      const { exists, state, lastOperationTime } = readEntityState(row);
      const atMs = Date.parse(lastOperationTime ?? '');
      if (atMs < fromMs || atMs > toMs) return [];
      return exists && entityId !== undefined ? [{ entityId, state, lastOperationTime }] : [];
    });
    return { entities, next: page.next };
  }

  /** Forgets a finished instance. */
  purge(instanceId: string): Promise<Purged> {
    return this.#parts.committer.commit((tx): Purged => {
      const row = tx.instance(instanceId);
      if (row === undefined) return { kind: 'notFound' };
      if (!isTerminal(row.status)) return { kind: 'active', status: row.status };
      tx.deleteInstance(instanceId);
      return { kind: 'purged' };
    });
  }

  /** Forgets every finished orchestration that the filter names; returns how many. */
  async purgeMany(filter: InstanceFilter): Promise<number> {
    let deleted = 0;
    let after: string | undefined = '';
    while (after !== undefined) {
      const from: string = after;
      // One page a transaction, so that a large purge holds nobody up.
      const page: { deleted: number; next: string | undefined } = await this.#parts.committer.commit((tx) =>
        purgePage(tx, filter, from),
      );
      deleted += page.deleted;
      after = page.next;
    }
    return deleted;
  }

  /** Lets a failed orchestration go on from before its failures; its failed activities run again, its failed children too. */
  async rewind(instanceId: string): Promise<Rewound> {
    let work: Work[] = [];
    const rewound = await this.#parts.committer.commit((tx): Rewound => {
      const row = tx.instance(instanceId);
      if (row === undefined) return { kind: 'notFound' };
      if (row.status !== 'Failed') return { kind: 'notFailed', status: row.status };
      work = rewindTree(tx, row, this.#parts.clock.now());
      return { kind: 'rewound' };
    });
    if (rewound.kind === 'rewound') this.#parts.onWork(work);
    return rewound;
  }
}

type Stamp = { readonly EventId: number; readonly Timestamp: string };

const purgePageSize = 200;

function purgePage(
  tx: StoreTx,
  filter: InstanceFilter,
  after: string,
): { readonly deleted: number; readonly next: string | undefined } {
  const rows = tx.listInstances({ ...filter, kind: 'orchestration' }, after, purgePageSize);
  const finished = rows.filter((row) => isTerminal(row.status));
  for (const row of finished) tx.deleteInstance(row.instanceId);
  return { deleted: finished.length, next: rows.length < purgePageSize ? undefined : rows.at(-1)?.instanceId };
}
