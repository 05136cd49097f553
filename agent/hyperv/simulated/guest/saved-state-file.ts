import { Blake3Hasher } from '@napi-rs/blake-hash';
import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { vmId, type VmId } from '../../../../contracts/ids';
import { ifExists, writeFileDurably } from '../../../files';
import { fillWithNoise, seedOf } from '../seeded';
import { fromSaved, guestMemory, toSaved, type GuestMemory } from './memory';

/**
 * The saved state of a simulated VM: a header of 32 bytes, what the guest knows as JSON, noise up to the size of the VM's memory, and
 * BLAKE3 (32 bytes) of all before it. Header: `HFSAVED1`, u64 length of the file, u32 length of the JSON, 12 bytes 0. Little-endian.
 */
const signature = Buffer.from('HFSAVED1');
const headerBytes = 32;
const digestBytes = 32;
const chunkBytes = 4 * 1024 * 1024;
/** More than the table of the largest work area that `guestSettings` is used with needs. */
const knownBytesMax = 64 * 1024 * 1024;

const content = z.object({ vmId, memory: guestMemory });

/**
 * Writes the file at once and durably; answers its size in bytes, which is `sizeBytes` or more when what the guest knows needs more.
 * The noise differs from save to save, as memory does.
 */
export async function writeSavedState(path: string, vm: VmId, memory: GuestMemory, sizeBytes: number): Promise<number> {
  const known = Buffer.from(JSON.stringify({ vmId: vm, memory: toSaved(memory) }));
  const noiseBytes = Math.max(0, Math.floor((sizeBytes - headerBytes - known.length - digestBytes) / 4) * 4);
  const fileBytes = headerBytes + known.length + noiseBytes + digestBytes;
  await writeFileDurably(
    path,
    contentOf(known, noiseBytes, fileBytes, (at) => seedOf(vm, memory.sequence, at)),
  );
  return fileBytes;
}

function* contentOf(
  known: Buffer,
  noiseBytes: number,
  fileBytes: number,
  seedAt: (offset: number) => number,
): Generator<Uint8Array> {
  const hasher = new Blake3Hasher();
  const hashed = (chunk: Buffer): Buffer => {
    hasher.update(chunk);
    return chunk;
  };
  const header = Buffer.alloc(headerBytes);
  header.set(signature);
  header.writeBigUInt64LE(BigInt(fileBytes), 8);
  header.writeUInt32LE(known.length, 16);
  yield hashed(header);
  yield hashed(known);
  const noise = Buffer.alloc(Math.min(noiseBytes, chunkBytes));
  for (let done = 0; done < noiseBytes; done += noise.length) {
    fillWithNoise(noise, seedAt(done));
    yield hashed(noise.subarray(0, noiseBytes - done));
  }
  yield hasher.digestBuffer();
}

export type SavedStateRead =
  { readonly ok: true; readonly memory: GuestMemory } | { readonly ok: false; readonly reason: string };

const bad = (reason: string): SavedStateRead => ({ ok: false, reason });

/** Reads a saved state and checks every byte of it. Needs no more memory than what the guest knows. */
export async function readSavedState(path: string, vm: VmId): Promise<SavedStateRead> {
  const file = await ifExists(open(path, 'r'));
  if (file === undefined) return bad('the file is not there');
  try {
    return await readOpened(file, vm);
  } finally {
    await file.close();
  }
}

async function readOpened(file: FileHandle, vm: VmId): Promise<SavedStateRead> {
  const fileBytes = (await file.stat()).size;
  const header = Buffer.alloc(headerBytes);
  await file.read(header, 0, headerBytes, 0);
  if (fileBytes < headerBytes + digestBytes || !header.subarray(0, 8).equals(signature))
    return bad('it is not a saved state');
  if (header.readBigUInt64LE(8) !== BigInt(fileBytes))
    return bad(`it is ${fileBytes} bytes long, not what its header says`);
  const knownBytes = header.readUInt32LE(16);
  if (knownBytes > Math.min(knownBytesMax, fileBytes - headerBytes - digestBytes))
    return bad('its header points outside of it');
  if (!(await digestFits(file, fileBytes))) return bad('its checksum does not fit its content');
  const known = Buffer.alloc(knownBytes);
  await file.read(known, 0, knownBytes, headerBytes);
  return parseKnown(known, vm);
}

async function digestFits(file: FileHandle, fileBytes: number): Promise<boolean> {
  const hasher = new Blake3Hasher();
  const hashedBytes = fileBytes - digestBytes;
  const chunk = Buffer.alloc(Math.min(hashedBytes, chunkBytes));
  for (let done = 0; done < hashedBytes;) {
    const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, hashedBytes - done), done);
    if (bytesRead === 0) return false;
    hasher.update(chunk.subarray(0, bytesRead));
    done += bytesRead;
  }
  const expected = Buffer.alloc(digestBytes);
  await file.read(expected, 0, digestBytes, hashedBytes);
  return hasher.digestBuffer().equals(expected);
}

function parseKnown(known: Buffer, vm: VmId): SavedStateRead {
  let json: unknown;
  try {
    json = JSON.parse(known.toString('utf8'));
  } catch {
    return bad('what the guest knew is not readable');
  }
  const parsed = content.safeParse(json);
  if (!parsed.success) return bad('what the guest knew is not of this version');
  if (parsed.data.vmId !== vm) return bad(`it belongs to VM ${parsed.data.vmId}`);
  return { ok: true, memory: fromSaved(parsed.data.memory) };
}
