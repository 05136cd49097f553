import type { IncomingMessage } from 'node:http';

export type Body =
  { readonly kind: 'read'; readonly bytes: Buffer } | { readonly kind: 'tooLarge' } | { readonly kind: 'broken' };

/** Reads a request's body; stops at the limit, by what is announced and by what comes. */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Body> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > bytesMax) return Promise.resolve({ kind: 'tooLarge' });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) resolve({ kind: 'tooLarge' });
      else chunks.push(chunk);
    });
    request.on('end', () => resolve({ kind: 'read', bytes: Buffer.concat(chunks) }));
    request.on('error', () => resolve({ kind: 'broken' }));
    request.on('close', () => resolve({ kind: 'broken' }));
  });
}
