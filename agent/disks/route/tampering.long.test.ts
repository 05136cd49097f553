import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { valueOf } from '../failures';
import { pullFile } from './pull';
import type { ByteRoute } from './server';
import { makeHosts, mib, pullOf, startSource, type Hosts } from './testing/hosts';
import { contentOf, makeImage, shapeOf } from './testing/images';
import { seededBytes } from './testing/random';
import { startTamperingLine, type Tampering } from './testing/tampering-line';
import { tampered } from './testing/tampered-images';
import { routeImages } from './route-images';

const content = seededBytes(6 * mib, 21);
let hosts: Hosts;
let route: ByteRoute;
beforeAll(async () => {
  hosts = await makeHosts();
  const path = join(hosts.folder, 'source.vhdx');
  await makeImage(path, shapeOf({ virtualSizeBytes: 8 * mib }), [{ offsetBytes: 0, data: content }]);
  // With a window as small as this, each record holds one block.
  route = await startSource(hosts, path, { windowBytes: 4 * mib });
});
afterAll(async () => {
  await route.close();
  await hosts.remove();
});

afterEach(async () => {
  await rm(join(hosts.folder, 'copy'), { force: true });
  await rm(join(hosts.folder, 'copy.journal'), { force: true });
});

/** In the first connection, at the fourth record. */
const once =
  (change: (record: Buffer) => Buffer[]): Tampering =>
  (record, at) =>
    at.connection === 0 && at.record === 3 ? change(record) : [record];

const flipped = (record: Buffer, at: number): Buffer => {
  const changed = Buffer.from(record);
  changed[at] = changed.readUInt8(at) ^ 1;
  return changed;
};

/** Keeps a record of one connection for another. */
function foreign(): Tampering {
  let kept: Buffer | undefined;
  return (record, at) => {
    if (at.connection === 0 && at.record === 3) {
      kept = Buffer.from(record);
      return [flipped(record, 100)];
    }
    return at.connection === 1 && at.record === 0 && kept !== undefined ? [kept] : [record];
  };
}

let held: Buffer | undefined;
const tamperings: [string, Tampering, number][] = [
  ['changes a byte of content', once((record) => [flipped(record, 5000)]), 2],
  ['changes a seal', once((record) => [flipped(record, record.length - 1)]), 2],
  ['leaves a record out', once(() => []), 2],
  ['repeats a record', once((record) => [record, record]), 2],
  ['cuts a record and what comes after it', once((record) => [record.subarray(0, 4000)]), 2],
  [
    'swaps two records',
    (record, at) => {
      if (at.connection === 0 && at.record === 3) {
        held = Buffer.from(record);
        return [];
      }
      const late = at.connection === 0 && at.record === 4 ? held : undefined;
      return late === undefined ? [record] : [record, late];
    },
    2,
  ],
  ['puts a record of an earlier connection into the next', foreign(), 3],
];

test.each(tamperings)(
  'a line that %s gets nothing of it written, and the copy is whole over the next',
  async (_, tamper, connections) => {
    const wrong: number[] = [];
    const images = tampered(routeImages(), {
      onWrite: (at, data) => {
        if (!Buffer.from(data).equals(content.subarray(at, at + data.length))) wrong.push(at);
      },
    });
    const line = await startTamperingLine(route.port, tamper);
    try {
      const request = pullOf(hosts, line.port, { images });
      const output = valueOf(await pullFile(request));
      expect(output).toMatchObject({ dataBytes: 6 * mib });
      expect({ connections: line.connections(), wrong }).toEqual({ connections, wrong: [] });
      const copy = await contentOf(request.path);
      expect(copy.bytes.subarray(0, content.length).equals(content)).toBe(true);
    } finally {
      await line.close();
    }
  },
);

test('nothing of the content is to be read on the line', async () => {
  const seen: Buffer[] = [];
  const line = await startTamperingLine(route.port, (record) => {
    seen.push(record);
    return [record];
  });
  try {
    valueOf(await pullFile(pullOf(hosts, line.port)));
  } finally {
    await line.close();
  }
  const all = Buffer.concat(seen);
  expect(all.length).toBeGreaterThan(6 * mib);
  for (let at = 0; at < content.length; at += mib) expect(all.includes(content.subarray(at, at + 64))).toBe(false);
});
