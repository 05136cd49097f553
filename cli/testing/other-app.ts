import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageFolder } from '../home';

const source = `
const { app } = require('@azure/functions');
const df = require('durable-functions');
app.http('hello', {
  route: 'hello/{name}',
  methods: ['GET'],
  extraInputs: [df.input.durableClient()],
  handler: async (request, context) => {
    const client = df.getClient(context);
    const id = await client.startNew('Greets', { input: request.params.name });
    return client.waitForCompletionOrCreateCheckStatusResponse(request, id, { timeoutInMilliseconds: 5000, retryIntervalInMilliseconds: 20 });
  },
});
df.app.activity('Greet', { handler: (name) => 'hello ' + name });
df.app.orchestration('Greets', function* (context) {
  return yield context.df.callActivity('Greet', context.df.getInput());
});
app.timer('nightly', { schedule: '0 0 4 * * *', handler: () => undefined });
app.storageBlob('onBlob', { path: 'x/{name}', connection: 'Storage', handler: () => undefined });
`;

export type OtherApp = { readonly folder: string; readonly root: string; readonly remove: () => void };

/** An app that is not this product, with its functions found by a glob and packages of its own folder; undefined leaves a file out. */
export function makeOtherApp(files: Readonly<Record<string, unknown>> = {}): OtherApp {
  const root = mkdtempSync(join(tmpdir(), 'hyperferry-other-'));
  const folder = join(root, 'app');
  const all: Record<string, unknown> = {
    'package.json': { main: 'src/functions/*.js' },
    'host.json': { version: '2.0', extensions: { http: { routePrefix: 'v1' }, durableTask: { hubName: 'Orders' } } },
    'src/functions/greet.js': source,
    ...files,
  };
  for (const [name, content] of Object.entries(all)) {
    if (content === undefined) continue;
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  symlinkSync(join(packageFolder, 'node_modules'), join(folder, 'node_modules'), 'junction');
  return { folder, root, remove: () => rmSync(root, { recursive: true, force: true }) };
}
