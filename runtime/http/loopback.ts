import type { IncomingMessage } from 'node:http';

const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Whether a request comes from a program of this machine that means this server. Without keys that is all the protection there is:
 * a page of another site in a local browser must not reach the server, neither by its own name for it (Host) nor by a form (Origin).
 */
export function isFromThisMachine(request: IncomingMessage): boolean {
  return isLoopback(`http://${request.headers.host ?? ''}`) && isOwnOrigin(request.headers.origin);
}

const isOwnOrigin = (origin: string | undefined): boolean => origin === undefined || isLoopback(origin);

function isLoopback(address: string): boolean {
  return URL.canParse(address) && loopbackNames.includes(new URL(address).hostname);
}
