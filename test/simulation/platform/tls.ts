import { createHash, X509Certificate } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';

type Certificate = { readonly raw: Uint8Array };

const derOf = new Map<string, Certificate>();
export function certificateOf(pem: string): Certificate {
  const known = derOf.get(pem) ?? { raw: new X509Certificate(pem).raw };
  derOf.set(pem, known);
  return known;
}

/** What each end says first: the length of its certificate, a number that the client chose, the certificate. */
const greetingHeadBytes = 8;
/** Always as long, since certificates differ in length from one making to the next, and a run must not. */
const greetingBytes = 4096;

/** Connections of a process so far: no two have the same keys. */
let connections = 0;

/**
 * One end of a TLS connection over a stream, as `node:tls` gives it: each end learns the other's certificate before anything else is said,
 * both can tell keys that no other connection has, and nothing is encrypted.
 */
export class Tls extends EventEmitter {
  readonly #tunnel: Duplex;
  readonly #own: Certificate;
  readonly #side: 'client' | 'server';
  #greeting: Buffer | undefined = Buffer.alloc(0);
  #peer: Certificate | undefined;
  #number = 0;

  constructor(tunnel: Duplex, own: Certificate, side: 'client' | 'server') {
    super();
    this.#tunnel = tunnel;
    this.#own = own;
    this.#side = side;
    tunnel.on('data', (chunk: Buffer) => this.#hear(chunk));
    tunnel.on('end', () => this.emit('end'));
    tunnel.on('error', (error: Error) => this.emit('error', error));
    tunnel.on('close', () => this.emit('close'));
    if (side === 'client') {
      this.#number = ++connections;
      this.#greet();
    }
  }

  write(bytes: Uint8Array): boolean {
    return this.#tunnel.destroyed || this.#tunnel.writableEnded || this.#tunnel.write(bytes);
  }

  end(): void {
    this.#tunnel.end();
  }

  destroy(): void {
    this.#tunnel.destroy();
  }

  getPeerX509Certificate(): Certificate | undefined {
    return this.#peer;
  }

  exportKeyingMaterial(lengthBytes: number, label: string, context: Uint8Array): Buffer {
    const hash = createHash('sha256').update(`${this.#number} ${label} `).update(context);
    return hash.digest().subarray(0, lengthBytes);
  }

  #greet(): void {
    const greeting = Buffer.alloc(greetingBytes);
    greeting.writeUInt32LE(this.#own.raw.length, 0);
    greeting.writeUInt32LE(this.#number, 4);
    greeting.set(this.#own.raw, greetingHeadBytes);
    this.#tunnel.write(greeting);
  }

  #hear(chunk: Buffer): void {
    if (this.#greeting === undefined) {
      this.emit('data', chunk);
      return;
    }
    const heard = Buffer.concat([this.#greeting, chunk]);
    this.#greeting = heard;
    if (heard.length < greetingBytes) return;
    this.#greeting = undefined;
    this.#peer = { raw: heard.subarray(greetingHeadBytes, greetingHeadBytes + heard.readUInt32LE(0)) };
    this.#number = heard.readUInt32LE(4);
    if (this.#side === 'server') this.#greet();
    this.emit('secure');
    this.emit('secureConnect');
    if (heard.length > greetingBytes) this.emit('data', heard.subarray(greetingBytes));
  }
}
