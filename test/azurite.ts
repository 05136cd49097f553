import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { projectRoot } from './project-root';

const account = 'hyperferrytest';

export type Azurite = {
  readonly connectionString: string;
  /** Ends it as a power failure would, and starts it again on its port and its folder. It may have forgotten its last seconds. */
  readonly crash: (downMs: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** Starts Azurite's blob service on a free port, in a folder of its own. */
export async function startAzurite(): Promise<Azurite> {
  const folder = mkdtempSync(join(tmpdir(), 'hyperferry-azurite-'));
  const key = randomBytes(32).toString('base64');
  let child = startedIn(folder, key, '0');
  const port = await portOf(child);
  const end = async (): Promise<void> => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  const endpoint = `http://127.0.0.1:${port}/${account}`;
  return {
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${endpoint};`,
    crash: async (downMs) => {
      await end();
      await delay(downMs);
      child = startedIn(folder, key, port);
      await portOf(child);
    },
    stop: async () => {
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function startedIn(folder: string, key: string, port: string): ChildProcess {
  const main = join(projectRoot, 'node_modules', 'azurite', 'dist', 'src', 'blob', 'main.js');
  const options = ['--location', folder, '--blobPort', port, '--skipApiVersionCheck', '--disableTelemetry', '--silent'];
  return spawn(process.execPath, [main, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, AZURITE_ACCOUNTS: `${account}:${key}` },
  });
}

async function portOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('Azurite has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /successfully listens on http:\/\/[^:]+:(\d+)/.exec(line)?.[1];
    if (port !== undefined) return port;
  }
  throw new Error('Azurite ended before it listened');
}
