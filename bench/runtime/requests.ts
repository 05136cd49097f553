import { Agent, request } from 'node:http';

/** Requests to one server over a few connections that stay open; lighter than fetch, since it shares the machine with what is measured. */
export class Requests {
  readonly #agent: Agent;

  constructor(readonly connections: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Resolves with the answer's body; rejects when its status is none of success. */
  post(address: string, body: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const sent = request(address, { method: 'POST', agent: this.#agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300) resolve(text);
          else reject(new Error(`${address} answered ${status}: ${text}`));
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** Does `count` pieces of work, as many at once as there are connections. */
  async many(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
    let next = 0;
    const line = async (): Promise<void> => {
      while (next < count) await work(next++);
    };
    await Promise.all(Array.from({ length: this.connections }, line));
  }

  close(): void {
    this.#agent.destroy();
  }
}
