import { z } from 'zod';
import { hostFacts, leftover, vmFacts, type HostFacts, type Leftover, type VmFacts } from '../contracts/facts';
import { failed, failureOf, succeeded, type Outcome } from '../contracts/failure';
import type { HostId, OperationId, RunId, VmId } from '../contracts/ids';
import { inspection, type Inspection, type InspectionRequest } from '../contracts/inspection';
import { operationView, type OperationRequest, type OperationView, type StagingAccess } from '../contracts/operations';

/** The relay as activities use it; relay/client.ts has the real one. Failures of the agent come through as they are. */
export type AgentTransport = {
  send(request: {
    readonly hostId: HostId;
    readonly method: 'GET' | 'PUT' | 'POST';
    readonly path: string;
    readonly body?: unknown;
    readonly timeoutMs: number;
  }): Promise<Outcome<{ readonly status: number; readonly body: unknown }>>;
};

/** Reads are asked by people too, who do not wait long. */
const readMsMax = 10_000;
const operationMsMax = 30_000;
/** Looks and cancels are answered at once from what the agent holds; one that is not is asked again. */
const lookMsMax = 10_000;
/** How long an agent holds the answer to a start back for the operation to end, so that short ones cost one activity. */
const startWaitMs = 1_500;

const vmPage = z.object({ items: z.array(vmFacts), next: z.string().nullable() });
const leftovers = z.object({ items: z.array(leftover) });

/** The agents' interface (docs/protocol.md), typed. */
export class Agents {
  constructor(private readonly transport: AgentTransport) {}

  host(hostId: HostId): Promise<Outcome<HostFacts>> {
    return this.get(hostId, '/v1/host', hostFacts);
  }

  /** All VMs of a host, page by page: answers stay small enough for the relay's control channel. */
  async vms(hostId: HostId): Promise<Outcome<VmFacts[]>> {
    const all: VmFacts[] = [];
    let next: string | null = null;
    do {
      const path: string = next === null ? '/v1/vms' : `/v1/vms?after=${encodeURIComponent(next)}`;
      const page: Outcome<z.infer<typeof vmPage>> = await this.get(hostId, path, vmPage);
      if (!page.ok) return page;
      all.push(...page.value.items);
      next = page.value.next;
    } while (next !== null);
    return succeeded(all);
  }

  vm(hostId: HostId, vmId: VmId): Promise<Outcome<VmFacts>> {
    return this.get(hostId, `/v1/vms/${vmId}`, vmFacts);
  }

  /** Looks, and changes nothing. Opening the files of many disks takes a while. */
  inspect(hostId: HostId, request: InspectionRequest): Promise<Outcome<Inspection>> {
    const path = '/v1/inspections';
    return this.ask({ hostId, method: 'POST', path, body: request, timeoutMs: operationMsMax }, inspection);
  }

  async leftovers(hostId: HostId, run: RunId): Promise<Outcome<Leftover[]>> {
    const answer = await this.get(hostId, `/v1/leftovers?run=${run}`, leftovers);
    return answer.ok ? succeeded(answer.value.items) : answer;
  }

  startOperation(hostId: HostId, operationId: OperationId, request: OperationRequest): Promise<Outcome<OperationView>> {
    const path = `/v1/operations/${operationId}?waitMs=${startWaitMs}`;
    return this.ask({ hostId, method: 'PUT', path, body: request, timeoutMs: operationMsMax }, operationView);
  }

  lookAtOperation(hostId: HostId, operationId: OperationId): Promise<Outcome<OperationView>> {
    return this.ask(
      { hostId, method: 'GET', path: `/v1/operations/${operationId}`, timeoutMs: lookMsMax },
      operationView,
    );
  }

  cancelOperation(hostId: HostId, operationId: OperationId): Promise<Outcome<OperationView>> {
    const path = `/v1/operations/${operationId}/cancel`;
    return this.ask({ hostId, method: 'POST', path, body: {}, timeoutMs: lookMsMax }, operationView);
  }

  /** Gives an operation of the staged route newer access to its container. */
  renewStagingAccess(hostId: HostId, operationId: OperationId, access: StagingAccess): Promise<Outcome<object>> {
    const path = `/v1/operations/${operationId}/staging-access`;
    return this.ask({ hostId, method: 'POST', path, body: access, timeoutMs: lookMsMax }, z.object({}));
  }

  private get<T>(hostId: HostId, path: string, schema: z.ZodType<T>): Promise<Outcome<T>> {
    return this.ask({ hostId, method: 'GET', path, timeoutMs: readMsMax }, schema);
  }

  private async ask<T>(request: Parameters<AgentTransport['send']>[0], schema: z.ZodType<T>): Promise<Outcome<T>> {
    const answer = await this.transport.send(request);
    if (!answer.ok) return answer;
    const parsed = schema.safeParse(answer.value.body);
    if (parsed.success) return succeeded(parsed.data);
    const message = `${request.hostId} answered ${request.method} ${request.path} with something else than this version expects: ${parsed.error.message}`;
    return failed(failureOf('AgentError', { message, subject: { host: request.hostId } }));
  }
}
