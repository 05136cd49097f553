/** What an orchestration has decided to do and its history does not hold yet. `id` becomes the event's EventId. */
export type Decision =
  | { readonly kind: 'activity'; readonly id: number; readonly name: string; readonly input: string | null }
  | {
      readonly kind: 'subOrchestration';
      readonly id: number;
      readonly name: string;
      readonly instanceId: string;
      readonly version: string | null;
      readonly input: string | null;
    }
  | { readonly kind: 'timer'; readonly id: number; readonly fireAtMs: number }
  | { readonly kind: 'entityMessage'; readonly id: number; readonly target: string; readonly message: EntityMessage };

/** A message from an orchestration to an entity. */
export type EntityMessage =
  | { readonly kind: 'signal' | 'call'; readonly operation: string; readonly input: string | null }
  | { readonly kind: 'lock'; readonly requestId: string; readonly lockSet: readonly EntityName[] }
  | { readonly kind: 'release'; readonly requestId: string };

export type EntityName = { readonly name: string; readonly key: string };

/** The instance id under which an entity lives: its name in lower case, its key as given. */
export const entityInstanceId = (entity: EntityName): string => `@${entity.name.toLowerCase()}@${entity.key}`;

/** The entity whose instance id this is, or undefined for an orchestration's. */
export function entityOfInstanceId(instanceId: string): EntityName | undefined {
  const at = instanceId.indexOf('@', 1);
  if (!instanceId.startsWith('@') || at < 2) return undefined;
  return { name: instanceId.slice(1, at), key: instanceId.slice(at + 1) };
}

/** The kind of an event that records a decision, as a non-determinism message calls it. */
export const decisionNames = {
  activity: 'ScheduleTaskOrchestratorAction',
  subOrchestration: 'CreateSubOrchestrationAction',
  timer: 'CreateTimerOrchestratorAction',
  entityMessage: 'SendEventOrchestratorAction',
} as const satisfies Record<Decision['kind'], string>;
