import { createSecretKey } from 'node:crypto';
import { OutgoingContent, type Outlet } from './outgoing-content';
import { contentKeyBytes, Sealer } from './sealing';

/** An outlet that takes a record when it is told to. */
function outletOf(): Outlet & { readonly untaken: (() => void)[]; readonly sent: () => number } {
  const untaken: (() => void)[] = [];
  let sent = 0;
  const send: Outlet['send'] = (_, taken) => {
    sent += 1;
    untaken.push(() => taken());
  };
  return { send, untaken, sent: () => sent };
}

const never = new AbortController().signal;
const content = [Buffer.alloc(10)];
const sealer = (): Sealer => new Sealer(() => createSecretKey(Buffer.alloc(contentKeyBytes, 1)));

function streams(count: number) {
  const outlets = Array.from({ length: count }, outletOf);
  const [first = outletOf(), ...further] = outlets;
  const outgoing = new OutgoingContent(sealer(), first);
  const leave = further.map((outlet) => outgoing.add(outlet));
  return { outlets, outgoing, leave, sent: () => outlets.map((outlet) => outlet.sent()) };
}

test('each record goes over the stream that has the least to do, so that a slow one gets few', () => {
  const { outlets, outgoing, sent } = streams(3);
  for (let record = 0; record < 30; record++) {
    void outgoing.send(content);
    for (const outlet of [outlets[0], outlets[1]]) outlet?.untaken.shift()?.();
  }
  expect(sent()[2]).toBe(1);
  expect(sent()[0]).toBeGreaterThan(10);
  expect(sent()[1]).toBeGreaterThan(10);
});

test('the last one goes over the connection of the pull, whatever is under way there', () => {
  const { outgoing, sent } = streams(2);
  for (let record = 0; record < 4; record++) void outgoing.send(content);
  void outgoing.send(content, 'last');
  expect(sent()).toEqual([3, 2]);
});

test('a stream that has ended gets nothing more, though it would take all of it at once', () => {
  const { outlets, outgoing, leave, sent } = streams(2);
  void outgoing.send(content);
  leave[0]?.();
  for (let record = 0; record < 5; record++) {
    void outgoing.send(content);
    outlets[1]?.untaken.shift()?.();
  }
  expect({ streams: outgoing.streams, sent: sent() }).toEqual({ streams: 1, sent: [5, 1] });
});

test('it is free when one stream is, and waits until then', async () => {
  const { outlets, outgoing } = streams(2);
  void outgoing.send(content);
  await outgoing.free(never);
  void outgoing.send(content);
  let isFree = false;
  const free = outgoing.free(never).then(() => (isFree = true));
  await Promise.resolve();
  expect(isFree).toBe(false);
  outlets[0]?.untaken.shift()?.();
  await free;
  const ended = new AbortController();
  void outgoing.send(content);
  const waits = outgoing.free(ended.signal);
  ended.abort();
  await waits;
});
