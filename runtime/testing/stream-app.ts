/** An app for tests whose HTTP functions take and give streams. */
import { ReadableStream } from 'node:stream/web';
import { setTimeout as sleep } from 'node:timers/promises';
import { app, type HttpRequest } from '@azure/functions';

app.setup({ enableHttpStream: true });

app.http('mirror', {
  route: 'mirror/{name}',
  methods: ['POST'],
  handler: (request: HttpRequest) => ({ headers: { 'x-name': request.params['name'] ?? '' }, body: request.body }),
});

async function* slowLines(): AsyncGenerator<string> {
  for (const line of ['one\n', 'two\n', 'three\n']) {
    yield line;
    await sleep(200);
  }
}
app.http('lines', { methods: ['GET'], handler: () => ({ body: ReadableStream.from(slowLines()) }) });
app.http('fails', {
  methods: ['GET'],
  handler: () => {
    throw new Error('thrown on purpose');
  },
});
