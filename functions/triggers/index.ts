import type { App } from '../../activities/app';
import { registerBatchTimer } from './batch-timer';
import { batchRoutes } from './batches';
import { registerRoute, type Route } from './context';
import { healthRoutes, registerLiveness } from './health';
import { hostRoutes } from './hosts';
import { migrationRoutes } from './migrations';
import { openApiRoute } from './openapi';
import { preflightRoute } from './preflight';
import { receiptKeyRoute } from './receipt-key';
import { registerStagingTimer } from './staging-timer';

const documented: readonly Route[] = [
  ...migrationRoutes,
  preflightRoute,
  receiptKeyRoute,
  ...hostRoutes,
  ...batchRoutes,
  ...healthRoutes,
];

/** Every route with its function, the interface's own description included. */
export const routes: readonly Route[] = [...documented, openApiRoute(documented)];

export function registerTriggers(app: () => App): void {
  for (const route of routes) registerRoute(app, route);
  registerLiveness();
  registerBatchTimer(app);
  registerStagingTimer(app);
}
