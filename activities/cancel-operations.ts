import type { z } from 'zod';
import { failed, succeeded, type Outcome } from '../contracts/failure';
import type { App } from './app';
import type { cancelOperations as definition } from './definitions';

type Asked = z.infer<(typeof definition)['input']>;

/** Asks agents to stop operations. An operation that its agent does not know has nothing to stop. */
export async function cancelOperations(app: App, { operations }: Asked): Promise<Outcome<object>> {
  const answers = await Promise.all(
    operations.map(({ host, operationId }) => app.agents.cancelOperation(host, operationId)),
  );
  for (const answer of answers) {
    if (!answer.ok && answer.failure.code !== 'OperationLost') return failed(answer.failure);
  }
  return succeeded({});
}
