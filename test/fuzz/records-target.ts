import { createSecretKey } from 'node:crypto';
import { RecordReader } from '../../agent/disks/route/record-reader';
import { recordHead } from '../../agent/disks/route/records';
import { InOrder } from '../../agent/disks/route/in-order';
import { contentKeyBytes, Opener, Sealer, type OpenedRecord } from '../../agent/disks/route/sealing';
import type { SeededRandom } from '../../agent/disks/testing/random';
import { Finding } from './fuzz-files';
import { bytesInput, bytesOf, type Target } from './input';
import { mutateBytes } from './mutate';

const keys = (): ReturnType<typeof createSecretKey> => createSecretKey(Buffer.alloc(contentKeyBytes, 5));
const recordsMax = 5;
const contentOf = (record: number): Buffer => Buffer.alloc(40 + 9 * record, record);

function sealedRecords(): Buffer[] {
  const sealer = new Sealer(keys);
  return Array.from({ length: recordsMax }, (_, record) => Buffer.concat(sealer.seal(contentOf(record))));
}

function goodRecords(random: SeededRandom, sealed: readonly Buffer[]): Buffer {
  const tls = Buffer.concat([recordHead('tls', 30), Buffer.alloc(30, 9)]);
  // Over several streams they come in another order; some come twice.
  const inSomeOrder = sealed.map((record) => ({ record, at: random.next() })).sort((one, other) => one.at - other.at);
  const again = random.next() < 0.1 ? inSomeOrder.slice(0, 1) : [];
  const all = [...inSomeOrder, ...again].map(({ record }) => record);
  return Buffer.concat(all.flatMap((record) => (random.next() < 0.3 ? [tls, record] : [record])));
}

/** What comes over the TCP connection of the byte route: whatever is done to it, only what was sealed is opened, in its order. */
export const recordsTarget = (sealed = sealedRecords()): Target => ({
  name: 'records',
  make: (random) => {
    const records = goodRecords(random, sealed);
    if (random.next() < 0.95) mutateBytes(random, records, 1 + random.below(4));
    return bytesInput(records);
  },
  run: async (input) => {
    const opener = new Opener(keys);
    const records = new InOrder<OpenedRecord>();
    let opened = 0;
    const reader = new RecordReader({
      onTls: () => undefined,
      onSealed: (sealed) => {
        const found = opener.open(sealed, (number) => records.mayCome(number));
        if (found === undefined) return 'not genuine';
        records.take(found.number, found, ({ pieces }) => {
          if (!Buffer.concat(pieces).equals(contentOf(opened)))
            throw new Finding(`record ${opened} is not what was sealed`);
          opened += 1;
        });
        return undefined;
      },
    });
    reader.takeSealed();
    reader.push(bytesOf(input));
  },
});
