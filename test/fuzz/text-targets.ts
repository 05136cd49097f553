import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { blake3 } from '@napi-rs/blake-hash';
import type { BlobServiceClient } from '@azure/storage-blob';
import { Documents } from '../../activities/storage/documents';
import { readLedger } from '../../activities/storage/ledger';
import { DamagedLogError, scanRecords } from '../../agent/operations/record-scan';
import { storeEvent } from '../../agent/operations/events';
import { encodeLine } from '../../agent/operations/record-log';
import {
  contentFromSource,
  encodeFrame,
  fromDestination,
  fromSource,
  writeDataHead,
  dataFrameHeadBytes,
  type PlainFrame,
} from '../../agent/disks/route/frames';
import { FrameReader } from '../../agent/disks/route/frame-reader';
import { decodeJournal, encodeRecord } from '../../agent/disks/route/journal-records';
import { runId } from '../../contracts/ids';
import { shapeOf } from '../../agent/disks/testing/disks';
import type { SeededRandom } from '../../agent/disks/testing/random';
import { frameFromListener, frameToListener } from '../../relay/frames';
import { generateSigningKey, signingKeyFrom, signTicket, verifyTicket } from '../../relay/signing';
import { sign } from 'node:crypto';
import { bytesInput, bytesOf, type Target } from './input';
import { Finding } from './fuzz-files';
import { mutateBytes, mutateText } from './mutate';
import { recordsTarget } from './records-target';

const run = runId.parse('m1-r1');
const facts = { type: 'image' as const, shape: shapeOf(), fileSizeBytes: 1 << 20 };
const digest = 'ab'.repeat(32);

const relayFrames = [
  { accept: { address: 'wss://relay/accept', id: 'a' } },
  {
    request: {
      address: 'wss://relay/r',
      id: 'r',
      requestTarget: '/host/x?y',
      method: 'POST',
      requestHeaders: { Accept: 'a', Host: ['b', 'c'] },
      body: true,
    },
  },
  {
    response: {
      requestId: 'r',
      statusCode: '200',
      statusDescription: 'OK',
      responseHeaders: { 'Content-Type': 'x' },
      body: true,
    },
  },
  { renewToken: { token: 'SharedAccessSignature sr=x' } },
].map((frame) => JSON.stringify(frame));

const relay: Target = {
  name: 'relay',
  make: (random) => bytesInput(mutateText(random, random.pick(relayFrames))),
  run: async (input) => {
    const text = bytesOf(input).toString('utf8');
    frameToListener(text);
    frameFromListener(text);
  },
};

function goodFrame(random: SeededRandom): Buffer {
  if (random.next() < 0.25) {
    const bytes = Buffer.alloc(dataFrameHeadBytes + 600, 7);
    writeDataHead(bytes, 0, {
      offsetBytes: 4096,
      lengthBytes: 600,
      digest: blake3(bytes.subarray(dataFrameHeadBytes)),
    });
    return bytes;
  }
  const frames: PlainFrame[] = [
    { kind: 'alive' },
    { kind: 'zero', offsetBytes: 0, lengthBytes: 1 << 20 },
    { kind: 'skip', toBytes: 1 << 20, passedBytes: 5 },
    { kind: 'watermark', atBytes: 1 << 20 },
    { kind: 'ask', fromBytes: 1 << 20 },
    { kind: 'told', toBytes: 1 << 20, digests: Buffer.alloc(264, 3) },
    { kind: 'facts', message: { contract: 1, facts, extentBytes: 5 } as never },
    { kind: 'end', message: { digest, dataBytes: 1, zeroBytes: 1 } as never },
  ];
  return encodeFrame(random.pick(frames));
}

const wire: Target = {
  name: 'wire',
  make: (random) => {
    const frames = Buffer.concat(Array.from({ length: 1 + random.below(6) }, () => goodFrame(random)));
    if (random.next() < 0.9) mutateBytes(random, frames, 1 + random.below(4));
    return bytesInput(frames);
  },
  run: async (input) => {
    for (const inbound of [fromSource, contentFromSource, fromDestination]) {
      const sink = {
        takeBuffer: (lengthBytes: number) => {
          if (lengthBytes > 16 * 1024 * 1024) throw new Finding(`asks for a buffer of ${lengthBytes} bytes`);
          return Buffer.alloc(lengthBytes);
        },
        releaseBuffer: () => undefined,
        onFrame: () => undefined,
      };
      const reader = new FrameReader(inbound, sink);
      reader.push(bytesOf(input));
      reader.abandon();
    }
  },
};

const journalLines = [
  { record: 'begin', schema: 1, runId: run, path: '/a', facts, extentBytes: 9 },
  { record: 'mark', watermarkBytes: 4096, digest, dataBytes: 1, zeroBytes: 2, seedBytes: 4, sentBytes: 3 },
  { record: 'received', sentBytes: 3 },
  { record: 'mismatch', offsetBytes: 7 },
].map((record, number) => encodeRecord(number, record as never));

/** A line with its checksum made right, most of the time. */
function sealedJournalLine(random: SeededRandom, line: string): string {
  const text = mutateText(random, line.slice(line.indexOf('{')).trim())
    .toString('utf8')
    .replaceAll('\n', ' ');
  const numbered = `${line.slice(17, line.indexOf('{'))}${text}`;
  return random.next() < 0.8 ? `${blake3(numbered).toString('hex', 0, 8)} ${numbered}\n` : line;
}

const journal: Target = {
  name: 'journal',
  make: (random) => {
    const lines = journalLines.map((line) => (random.next() < 0.3 ? sealedJournalLine(random, line) : line));
    const bytes = Buffer.from(lines.join(''));
    if (random.next() < 0.3) mutateBytes(random, bytes, 1 + random.below(3));
    return bytesInput(bytes);
  },
  run: async (input) => {
    decodeJournal(bytesOf(input));
  },
};

const operationRecords = [
  { event: 'accepted', atMs: 1, operationId: 'm1-r1-pull', runId: run, epoch: 1, kind: 'pull', input: {} },
  { event: 'cancel-asked', atMs: 2, operationId: 'm1-r1-pull' },
  { event: 'run', runId: run, epoch: 2, fenced: [] },
].map((record) => JSON.stringify(record));

const operations: Target = {
  name: 'operations',
  make: (random) => {
    const lines = operationRecords.map((text) => {
      if (random.next() < 0.6) return encodeLine([text]);
      const changed = mutateText(random, `[${text}]`).toString('utf8').replaceAll('\n', ' ');
      return Buffer.from(`${crc32(changed).toString(16).padStart(8, '0')} ${changed}\n`);
    });
    const bytes = Buffer.concat(lines);
    if (random.next() < 0.3) mutateBytes(random, bytes, 1 + random.below(3));
    return bytesInput(bytes);
  },
  run: async (input) => {
    const bytes = bytesOf(input);
    const file = {
      read: async (target: Buffer, at: number, length: number, position: number) => ({
        bytesRead: bytes.copy(target, at, position, Math.min(bytes.length, position + length)),
      }),
    };
    await scanRecords(file as unknown as FileHandle, '/log', (record) => void storeEvent.safeParse(record)).catch(
      (thrown: unknown) => {
        if (!(thrown instanceof DamagedLogError)) throw thrown;
      },
    );
  },
};

const ledgerText = JSON.stringify({
  schema: 1,
  runId: run,
  name: 'scsi-0-0',
  watermarkBytes: 5,
  digestSoFar: digest,
  resentBytes: 0,
  updatedAt: '2026-11-25T20:00:00.000Z',
});

const ledger: Target = {
  name: 'ledger',
  make: (random) => bytesInput(mutateText(random, ledgerText)),
  run: async (input) => {
    const blob = { download: async () => ({ readableStreamBody: Readable.from([bytesOf(input)]), etag: '"1"' }) };
    const container = { getBlobClient: () => blob, createIfNotExists: async () => ({}) };
    const service = { getContainerClient: () => container };
    await readLedger(new Documents(service as unknown as BlobServiceClient), run, 'scsi-0-0');
  },
};

function ticketTarget(): Target {
  const key = signingKeyFrom(generateSigningKey().privateKeyBase64);
  const claims = {
    contract: 1 as const,
    runId: run,
    vmId: '7b0c1f6a-1d52-4a3e-9f5b-0a1b2c3d4e5f',
    subject: { kind: 'image', diskId: 'scsi-0-0', imageIndex: 0 },
    sourceHost: 'host-a',
    destinationHost: 'host-b',
    destinationCertificateSha256: digest,
    expiresAtMs: 1,
  };
  const good = signTicket(key, claims as never);
  return {
    name: 'ticket',
    make: (random) => bytesInput(mutateText(random, random.next() < 0.5 ? good : JSON.stringify(claims))),
    run: async (input) => {
      const text = bytesOf(input).toString('utf8');
      verifyTicket(key.publicKey, text);
      // The same as claims that the app did sign: what is behind the signature is reached as well.
      const payload = Buffer.from(text).toString('base64url');
      const signature = sign(null, Buffer.from(`hyperferry-ticket-v1\n${payload}`), key.privateKey).toString(
        'base64url',
      );
      verifyTicket(key.publicKey, `${payload}.${signature}`);
    },
  };
}

/** The parsers of what comes over wires and out of the agent's and the app's own files. */
export const textTargets = (): Target[] => [relay, wire, recordsTarget(), journal, operations, ledger, ticketTarget()];
