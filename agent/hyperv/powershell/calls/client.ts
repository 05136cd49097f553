import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../../../contracts/failure';
import { isoTime, type Clock } from '../../../clock';
import { classify } from '../worker/classify';
import type { LaneAnswer } from '../worker/lane';
import { secretsAmong, withoutSecrets, type Transcript } from '../worker/transcript';
import type { Arguments } from '../worker/worker';
import { calls, type CallArguments, type CallName, type CallValue } from './definitions';

/** What answers calls: a lane of workers, or what a transcript tells. */
export type Answers = {
  call(handler: string, args: Arguments, msMax: number): Promise<LaneAnswer>;
  close(): Promise<void>;
};

export type ClientOptions = {
  readonly lanes: { readonly look: Answers; readonly act: Answers };
  readonly clock: Clock;
  readonly transcript?: Transcript;
  readonly warn: (message: string) => void;
};

/** Calls handlers of the worker: arguments checked before they are sent, values checked when they come, errors as failures. */
export class Client {
  constructor(private readonly options: ClientOptions) {}

  /**
   * Failures: RequestInvalid for arguments that the call does not take; HyperVSilent where the worker died or hung, with the effect unknown
   * unless the call only looks; whatever `classify` makes of an error.
   */
  async call<K extends CallName>(
    name: K,
    given: CallArguments<K>,
    subject: Failure['subject'] = {},
  ): Promise<Outcome<CallValue<K>>> {
    const { lane, msMax, args: argsSchema, value: valueSchema } = calls[name];
    const changes = lane === 'act';
    const args = argsSchema.safeParse(given);
    if (!args.success) {
      const [issue] = args.error.issues;
      const field = issue?.path.map(String).join('.') ?? '';
      const message = `${name}: ${field}: ${issue?.message ?? 'not accepted'}`;
      return failed(failureOf('RequestInvalid', { message, subject: { ...subject, field } }));
    }
    const answer = await this.ask(lane, name, args.data, msMax);
    const silent = (why: string, effect: Failure['effect']) =>
      failed(failureOf('HyperVSilent', { message: `${name}: the PowerShell worker: ${why}`, subject, effect }));
    switch (answer.type) {
      case 'unavailable':
        return silent(answer.why, 'none');
      case 'lost':
        return silent(answer.why, changes ? 'unknown' : 'none');
      case 'error':
        return failed(classify(answer.error, changes, subject));
      case 'value': {
        for (const warning of answer.warnings) this.options.warn(`${name}: ${warning}`);
        const value = valueSchema.safeParse(answer.value);
        if (value.success) return succeeded(value.data as CallValue<K>);
        const [issue] = value.error.issues;
        const where = issue?.path.map(String).join('.') ?? '';
        return silent(`answered what cannot be read: ${where}: ${issue?.message ?? ''}`, changes ? 'unknown' : 'none');
      }
    }
  }

  async close(): Promise<void> {
    const { look, act } = this.options.lanes;
    await Promise.all([look.close(), act.close()]);
  }

  private async ask(lane: 'look' | 'act', name: CallName, args: Arguments, msMax: number): Promise<LaneAnswer> {
    const { lanes, clock, transcript } = this.options;
    const beganAtMs = clock.now();
    const answer = await lanes[lane].call(name, args, msMax);
    const secrets = secretsAmong(args);
    transcript?.({
      at: isoTime(beganAtMs),
      call: name,
      args: withoutSecrets(args, secrets) as Arguments,
      tookMs: clock.now() - beganAtMs,
      answer: withoutSecrets(answer, secrets),
    });
    return answer;
  }
}
