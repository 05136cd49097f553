import type { EntityName } from './decision';
import type { InstanceRow, RuntimeStatus } from './store';

export type StartRequest = {
  readonly name: string;
  readonly instanceId?: string | undefined;
  readonly version?: string | undefined;
  /** JSON text. */
  readonly input: string | null;
};

export type Started =
  | { readonly kind: 'started'; readonly instanceId: string }
  | { readonly kind: 'exists'; readonly instanceId: string; readonly status: RuntimeStatus }
  | { readonly kind: 'invalidId'; readonly reason: string };

/** How a message to an instance fared; `wrongState` names the state that forbids it. */
export type Sent =
  | { readonly kind: 'sent' }
  | { readonly kind: 'notFound' }
  | { readonly kind: 'finished' }
  | { readonly kind: 'wrongState'; readonly status: RuntimeStatus };

export type Purged =
  | { readonly kind: 'purged' }
  | { readonly kind: 'notFound' }
  | { readonly kind: 'active'; readonly status: RuntimeStatus };

export type Rewound =
  | { readonly kind: 'rewound' }
  | { readonly kind: 'notFound' }
  | { readonly kind: 'notFailed'; readonly status: RuntimeStatus };

export type Page = { readonly rows: readonly InstanceRow[]; readonly next: string | undefined };

/** Entities whose ids begin so and whose last operation was between these times. */
export type EntityFilter = {
  readonly idPrefix: string;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
};

export type EntityPage = {
  readonly entities: readonly {
    readonly entityId: EntityName;
    readonly state: string | null;
    readonly lastOperationTime: string | null;
  }[];
  readonly next: string | undefined;
};
