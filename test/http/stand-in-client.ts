import type { DurableClient } from 'durable-functions';

type Instance = {
  name: string;
  instanceId: string;
  runtimeStatus: string;
  input: unknown;
  customStatus: unknown;
  output: unknown;
};

/** A durable client that keeps instances in a map and refuses what the extension refuses. */
export class StandInClient {
  readonly instances = new Map<string, Instance>();
  readonly events: { instanceId: string; name: string; data: unknown }[] = [];

  async startNew(name: string, { instanceId, input }: { instanceId: string; input: unknown }): Promise<string> {
    if (this.instances.has(instanceId))
      throw new Error(`An Orchestration instance with the status Running already exists.`);
    this.instances.set(instanceId, {
      name,
      instanceId,
      runtimeStatus: 'Running',
      input: JSON.parse(JSON.stringify(input)) as unknown,
      customStatus: null,
      output: null,
    });
    return instanceId;
  }

  async getStatus(instanceId: string): Promise<unknown> {
    const instance = this.instances.get(instanceId);
    if (instance === undefined) throw new Error('DurableClient error: received HTTP 404');
    const time = '2027-01-01T00:00:00Z';
    return { ...instance, createdTime: time, lastUpdatedTime: time };
  }

  async getStatusAll(): Promise<unknown[]> {
    return Promise.all([...this.instances.keys()].map((id) => this.getStatus(id)));
  }

  async raiseEvent(instanceId: string, name: string, data: unknown): Promise<void> {
    this.events.push({ instanceId, name, data });
  }

  /** As handlers see it. */
  get asClient(): DurableClient {
    return this as unknown as DurableClient;
  }
}
