import { hostFacts, leftover, vmFacts, type HostFacts, type Leftover, type VmFacts } from '../../contracts/facts';
import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../contracts/failure';
import { hostId, operationId, runId, type HostId, type VmId } from '../../contracts/ids';
import {
  operations,
  operationView,
  type OperationInput,
  type OperationKind,
  type OperationOutput,
  type OperationView,
  type PullSubject,
} from '../../contracts/operations';
import { z } from 'zod';
import type { RelayClient } from '../../relay/call';
import { signTicket, type SigningKey } from '../../relay/signing';

const vmPage = z.object({ items: z.array(vmFacts), next: z.string().nullable() });

/** What the app does, as far as an agent can tell: it asks through the relay, waits for operations, and issues tickets. */
export class App {
  readonly run = runId.parse('e2e-r1');
  epoch = 1;
  #count = 0;

  constructor(
    readonly client: RelayClient,
    readonly key: SigningKey,
  ) {}

  async #get<S extends z.ZodType>(host: string, path: string, schema: S): Promise<z.infer<S>> {
    const answer = await this.client.send({ hostId: hostId.parse(host), method: 'GET', path });
    if (!answer.ok) throw new Error(`${path}: ${answer.failure.code} ${answer.failure.message}`);
    return schema.parse(answer.value.body);
  }

  health = (host: string): Promise<unknown> => this.#get(host, '/v1/health', z.unknown());
  host = (host: string): Promise<HostFacts> => this.#get(host, '/v1/host', hostFacts);
  vm = (host: string, vm: VmId): Promise<VmFacts> => this.#get(host, `/v1/vms/${vm}`, vmFacts);
  async vms(host: string): Promise<VmFacts[]> {
    return (await this.#get(host, '/v1/vms', vmPage)).items;
  }
  async leftovers(host: string): Promise<Leftover[]> {
    return (await this.#get(host, `/v1/leftovers?run=${this.run}`, z.object({ items: z.array(leftover) }))).items;
  }

  /** Sends a request about an operation; the view that it is answered with. */
  async ask(
    host: string,
    method: 'GET' | 'PUT' | 'POST',
    path: string,
    body?: unknown,
  ): Promise<Outcome<OperationView>> {
    const answer = await this.client.send({
      hostId: hostId.parse(host),
      method,
      path: `/v1/operations/${path}`,
      ...(body === undefined ? {} : { body }),
    });
    return answer.ok ? succeeded(operationView.parse(answer.value.body)) : answer;
  }

  nextId(kind: string): string {
    return `${this.run}-${(this.#count += 1)}-${kind}`;
  }

  start(host: string, id: string, kind: OperationKind, input: object): Promise<Outcome<OperationView>> {
    return this.ask(host, 'PUT', id, { contract: 1, runId: this.run, epoch: this.epoch, kind, input });
  }

  /** Until it ends, through agents that are down for a while. Sends it again when the agent does not know it. */
  async untilEnded(host: string, id: string, kind: OperationKind, input: object): Promise<OperationView> {
    const giveUpMs = Date.now() + 60_000;
    for (;;) {
      const view = await this.ask(host, 'GET', `${id}?waitMs=2000`);
      if (view.ok && view.value.state !== 'running') return view.value;
      if (!view.ok && view.failure.code === 'OperationLost') await this.start(host, id, kind, input);
      if (Date.now() > giveUpMs) throw new Error(`${id} does not end: ${JSON.stringify(view)}`);
      if (!view.ok) await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** One operation from start to end. */
  async operate<K extends OperationKind>(
    host: string,
    kind: K,
    input: OperationInput<K>,
    id = this.nextId(kind),
  ): Promise<Outcome<OperationOutput<K>>> {
    const started = await this.start(host, id, kind, input);
    if (!started.ok && started.failure.retry === 'permanent') return started;
    const view = await this.untilEnded(host, id, kind, input);
    switch (view.state) {
      case 'succeeded':
        return succeeded(operations[kind].output.parse(view.output) as OperationOutput<K>);
      case 'failed':
        return failed(view.failure);
      case 'canceled':
      case 'running':
        return failed(failureOf('CanceledByOperator', { message: 'canceled' }));
    }
  }

  async done<K extends OperationKind>(host: string, kind: K, input: OperationInput<K>): Promise<OperationOutput<K>> {
    const outcome = await this.operate(host, kind, input);
    if (!outcome.ok) throw new Error(`${kind} on ${host}: ${describe(outcome.failure)}`);
    return outcome.value;
  }

  /** The input of a pull from one host to the other, with a ticket of now. */
  async pullInput(pull: {
    readonly from: HostId;
    readonly to: HostId;
    readonly vmId: VmId;
    readonly subject: PullSubject;
    readonly folder: string;
    readonly bandwidthBytesPerSecondMax?: number;
  }): Promise<OperationInput<'pull'>> {
    const { from, to, vmId, subject, folder, bandwidthBytesPerSecondMax = null } = pull;
    const [source, destination] = await Promise.all([this.host(from), this.host(to)]);
    const ticket = signTicket(this.key, {
      contract: 1,
      runId: this.run,
      vmId,
      subject,
      sourceHost: from,
      destinationHost: to,
      destinationCertificateSha256: destination.clientCertificateSha256,
      expiresAtMs: Date.now() + 60_000,
    });
    const peer = { hostId: from, ...source.byteRoute, ticket };
    return {
      vmId,
      subject,
      folder,
      peer,
      bandwidthBytesPerSecondMax,
      bandwidthHours: null,
      ledgerWatermarkBytes: null,
    };
  }
}

const describe = ({ code, message }: Failure): string => `${code}: ${message}`;
export const idOf = (text: string) => operationId.parse(text);
