import type { ApiResult } from '../api/errors';
import type { HyperferryApi } from '../api/client';
import type { Context } from '../context';
import type { MigrationId } from '../../contracts/ids';
import type { MigrationRequest } from '../../contracts/migration';

const triesMax = 4;

/**
 * Sends a request that carries its own id, again when its answer was lost: the same id twice starts one thing and answers the same. A
 * connection that never stood is not tried again.
 */
export async function submitted<T>(context: Context, send: () => Promise<ApiResult<T>>): Promise<ApiResult<T>> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await send();
    const again = !result.ok && result.error.kind === 'unreachable' && result.error.mayHaveArrived;
    if (!again || attempt >= triesMax || context.signal.aborted) return result;
    context.output.note('the answer was lost; sending the same request again (it starts nothing twice)');
    await context.clock.sleep(1000 * attempt, context.signal);
  }
}

export const submitMigration = (
  context: Context,
  api: HyperferryApi,
  request: MigrationRequest,
): Promise<ApiResult<{ id: MigrationId }>> => submitted(context, () => api.startMigration(request));
