import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long a client may go on sending what nobody reads, so that it comes to read its answer. */
const lingerMsMax = 5_000;

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

/**
 * Answers 413 to a request whose body was not read to its end. What still comes is read and dropped for a while before the connection is cut:
 * a close with unread bytes resets it, and the client could lose the answer (RFC 9112, section 9.6).
 */
export function refuseTooLarge(request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(413, { 'content-length': '0' });
  response.end();
  const late = setTimeout(() => request.socket.destroy(), lingerMsMax);
  for (const over of ['end', 'close'] as const) request.once(over, () => clearTimeout(late));
  request.resume();
}
