import { createSecretKey } from 'node:crypto';
import { IncomingContent, waitingBytesMax } from './incoming-content';
import { recordHeadBytes, sealedContentBytesMax } from './records';
import { contentKeyBytes, Opener, Sealer } from './sealing';
import { instantClock } from './testing/instant-clock';
import { seededBytes } from './testing/random';

const keys = () => createSecretKey(seededBytes(contentKeyBytes, 1));

/** The bodies of the first records that a source seals, so many bytes of content in each. */
function bodiesOf(count: number, contentBytes = 40): Buffer[] {
  const sealer = new Sealer(keys);
  return Array.from({ length: count }, (_, number) =>
    Buffer.concat(sealer.seal(Buffer.alloc(contentBytes, number))).subarray(recordHeadBytes),
  );
}

function incoming() {
  const clock = instantClock();
  const given: number[] = [];
  const content = new IncomingContent(new Opener(keys), clock, ([first]) => given.push(first?.[0] ?? -1));
  return { clock, given, content };
}

const body = (bodies: readonly Buffer[], number: number): Buffer => bodies[number] ?? Buffer.alloc(0);

test('what comes over two streams is given on in its order', () => {
  const { content, given } = incoming();
  const [one, other] = [content.stream(), content.stream()];
  const bodies = bodiesOf(6);
  const taken = [one(body(bodies, 0)), other(body(bodies, 3)), one(body(bodies, 1)), one(body(bodies, 2))];
  expect(given).toEqual([0, 1, 2, 3]);
  taken.push(one(body(bodies, 5)), other(body(bodies, 4)));
  expect({ given, taken: [...new Set(taken)] }).toEqual({ given: [0, 1, 2, 3, 4, 5], taken: [undefined] });
});

test('a record that comes over another stream again, and one that goes back on its stream, are refused', () => {
  const { content, given } = incoming();
  const [one, other] = [content.stream(), content.stream()];
  const bodies = bodiesOf(4);
  one(body(bodies, 0));
  expect(other(body(bodies, 0))).toMatch(/not one of those that are to come/);
  one(body(bodies, 3));
  expect(one(body(bodies, 2))).toMatch(/not one of those that are to come/);
  expect(given).toEqual([0]);
});

test('what every stream is past was left out, and what one may still bring was not', () => {
  const { content } = incoming();
  const [one, other] = [content.stream(), content.stream()];
  const bodies = bodiesOf(4);
  expect(one(body(bodies, 1))).toBeUndefined();
  expect(other(body(bodies, 2))).toMatch(/left out/);
});

test('it tells for how long everything waits for one, and time in which nothing was taken does not count', () => {
  const { content, clock } = incoming();
  const [one, other] = [content.stream(), content.stream()];
  const bodies = bodiesOf(3);
  clock.advance(1000);
  expect(content.stuckMs).toBe(0);
  one(body(bodies, 2));
  clock.advance(1000);
  expect(content.stuckMs).toBe(1000);
  content.goOn();
  clock.advance(10);
  expect(content.stuckMs).toBe(10);
  other(body(bodies, 0));
  expect(content.stuckMs).toBe(0);
  other(body(bodies, 1));
  clock.advance(1000);
  expect(content.stuckMs).toBe(0);
});

test('what waits for one that does not come takes no more memory than a window and what surrounds it', () => {
  const { content, given } = incoming();
  const [one, other] = [content.stream(), content.stream()];
  const fits = Math.floor(waitingBytesMax / sealedContentBytesMax);
  const bodies = bodiesOf(fits + 2, sealedContentBytesMax);
  const refused: number[] = [];
  for (let number = 1; number <= fits + 1; number++) if (one(body(bodies, number)) !== undefined) refused.push(number);
  expect(refused[0]).toBeGreaterThanOrEqual(fits);
  expect(refused.length).toBeGreaterThanOrEqual(1);
  // The one that is missing has room, and makes room.
  expect(other(body(bodies, 0))).toBeUndefined();
  expect(given).toHaveLength(refused[0] ?? 0);
  content.abandon();
});
