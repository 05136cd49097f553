import { request as plainRequest, type Agent } from 'node:http';
import { request as secureRequest } from 'node:https';
import { describeThrown, type Failure } from '../../../contracts/failure';
import { outboundAgent, shownProxy } from '../../../relay/proxy';
import { errorCode } from '../../thrown';
import type { DoctorParts } from '../parts';

export type RelayLook =
  /** The proxy of the environment cannot be used. */
  | { readonly type: 'no-way'; readonly failure: Failure }
  | { readonly type: 'silent'; readonly code: string; readonly reason: string; readonly proxy: string | undefined }
  | {
      readonly type: 'answers';
      readonly proxy: string | undefined;
      readonly agent: Agent | undefined;
      /** How far the clock of this host is ahead of the relay's, in milliseconds; undefined where the relay told no time. */
      readonly aheadMs: number | undefined;
    };

const answerMsMax = 20_000;

/** Asks the relay for nothing in particular: any answer shows that it is reached, and tells its time. */
export async function askRelay({ config, clock, env }: DoctorParts): Promise<RelayLook> {
  const { endpoint } = config.relay;
  const way = outboundAgent(endpoint, env);
  if (!way.ok) return { type: 'no-way', failure: way.failure };
  const agent = way.value;
  const proxy = agent === undefined ? undefined : shownProxy(env);
  const askedAtMs = clock.now();
  try {
    const date = await dateOf(endpoint, agent);
    const answeredAtMs = clock.now();
    const theirsMs = Date.parse(date ?? '');
    // A date has whole seconds: on average half of one is missing.
    const aheadMs = (askedAtMs + answeredAtMs) / 2 - (theirsMs + 500);
    return { type: 'answers', proxy, agent, aheadMs: Number.isNaN(aheadMs) ? undefined : Math.round(aheadMs) };
  } catch (thrown) {
    return { type: 'silent', code: errorCode(thrown) ?? '', reason: describeThrown(thrown), proxy };
  }
}

function dateOf(endpoint: string, agent: Agent | undefined): Promise<string | undefined> {
  const url = new URL(endpoint);
  const request = url.protocol === 'https:' ? secureRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const asked = request(url, { ...(agent && { agent }), signal: AbortSignal.timeout(answerMsMax) }, (answer) => {
      resolve(answer.headers.date);
      answer.destroy();
    });
    asked.on('error', reject);
    asked.end();
  });
}
