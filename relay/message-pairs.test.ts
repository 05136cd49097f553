import { WebSocket, WebSocketServer } from 'ws';
import { pairSender, readMessagePairs } from './message-pairs';
import { until } from './testing/support';

/** Both ends of a socket. */
async function socketPair(): Promise<{ near: WebSocket; far: WebSocket; close: () => void }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const ends: WebSocket[] = [];
  server.on('connection', (socket) => ends.push(socket));
  await until('the server listens', () => server.address() !== null);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const near = new WebSocket(`ws://127.0.0.1:${port}`);
  await until('both ends are open', () => near.readyState === WebSocket.OPEN && ends.length === 1);
  const close = () => {
    near.terminate();
    server.close();
  };
  return { near, far: ends[0]!, close };
}

const read = (text: string) => ({ text, hasBody: text.includes('body') });

test('pairs of many senders at once arrive whole', async () => {
  const { near, far, close } = await socketPair();
  const pairs: string[] = [];
  const complaints: string[] = [];
  readMessagePairs(far, {
    read,
    deliver: ({ text }, body) => pairs.push(`${text}=${body.toString()}`),
    complain: (reason) => complaints.push(reason),
  });
  const sender = pairSender(near);
  const numbers = Array.from({ length: 50 }, (_, index) => index);
  await Promise.all(numbers.map((n) => sender.send({ body: n }, Buffer.from(`${n}`))));
  await until('all arrive', () => pairs.length === 50);
  expect(pairs).toEqual(numbers.map((n) => `{"body":${n}}=${n}`));
  expect(complaints).toEqual([]);
  close();
});

test('a message whose reader or taker throws is complained of, and the next is taken', async () => {
  const { near, far, close } = await socketPair();
  const taken: string[] = [];
  const complaints: string[] = [];
  readMessagePairs(far, {
    read: (text) => {
      if (text === 'unreadable') throw new Error('a bug in reading');
      return read(text);
    },
    deliver: ({ text }) => {
      if (text === 'untakable') throw new Error('a bug in taking');
      taken.push(text);
    },
    complain: (reason) => complaints.push(reason),
  });
  for (const text of ['unreadable', 'untakable', 'good']) near.send(text);
  await until('the good one is taken', () => taken.length === 1);
  expect(complaints).toEqual([
    'a message could not be handled: a bug in reading',
    'a message could not be handled: a bug in taking',
  ]);
  close();
});

test('a sender whose socket is gone is told', async () => {
  const { near, close } = await socketPair();
  const sender = pairSender(near);
  close();
  await until('it is gone', () => near.readyState === WebSocket.CLOSED);
  await expect(sender.send({ a: 1 })).rejects.toThrow();
  await expect(sender.send({ a: 2 })).rejects.toThrow();
});
