import { z } from 'zod';

/**
 * The text frames of the relay protocol, read once at the edge of listener and emulator. A frame is a JSON object with one known key;
 * unknown keys are ignored by both sides. `body: true` announces one binary message that follows at once.
 */
export const controlBodyBytesMax = 64 * 1024;
/** All header names and values of one message on the control channel. */
export const controlHeaderBytesMax = 32 * 1024;
/** A text frame larger than this is refused before it is parsed: the headers, the target and the envelope, with room for escapes. */
export const frameCharactersMax = 128 * 1024;

const address = z.string().min(1).max(8192);
const id = z.string().min(1).max(256);
const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
/** RFC 9110, section 5.5: of the control characters a value may hold the tab alone. */
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Header names in lower case. What is no header (a strange name, a value with a line break) is left out, not passed on. */
const headers = z.record(z.string(), z.unknown()).transform((record): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(record).flatMap(([name, value]) => {
      const text = headerText(value);
      return headerName.test(name) && text !== undefined ? [[name.toLowerCase(), text]] : [];
    }),
  ),
);

function headerText(value: unknown): string | undefined {
  const text = Array.isArray(value) ? value.filter((one) => typeof one === 'string').join(', ') : value;
  if (typeof text === 'number') return String(text);
  return typeof text === 'string' && headerValue.test(text) ? text : undefined;
}

const requestFrame = z.object({
  address: address.optional(),
  id,
  /** Visible ASCII, as on a request line of HTTP: a line break in it could blur what a signature covers. */
  requestTarget: z
    .string()
    .max(16_384)
    .regex(/^\/[\x21-\x7e]*$/),
  method: z.string().regex(/^[A-Z]{1,20}$/),
  requestHeaders: headers.default({}),
  body: z.boolean().default(false),
});
export type RequestFrame = z.infer<typeof requestFrame>;

/** The short form: the request itself waits at the address. */
const requestElsewhere = z.object({ address, method: z.undefined().optional() });
const acceptFrame = z.object({ address, id: z.string().max(256).optional() });

const toListener = z.object({
  accept: acceptFrame.optional(),
  request: z.union([requestFrame, requestElsewhere]).optional(),
});

export type FrameToListener =
  | { readonly type: 'request'; readonly request: RequestFrame; readonly hasBody: boolean }
  | { readonly type: 'request-elsewhere'; readonly address: string; readonly hasBody: false }
  | { readonly type: 'accept'; readonly address: string; readonly hasBody: false }
  | UnusableFrame;

const responseFrame = z.object({
  requestId: id,
  /** The documentation's sample writes text, its table a number. */
  statusCode: z
    .union([
      z.int(),
      z
        .string()
        .regex(/^\d{3}$/)
        .transform(Number),
    ])
    .pipe(z.int().min(200).max(599)),
  statusDescription: z.string().max(1024).nullish(),
  responseHeaders: headers.default({}),
  body: z.boolean().default(false),
});
export type ResponseFrame = z.infer<typeof responseFrame>;

const fromListener = z.object({
  response: responseFrame.optional(),
  renewToken: z.object({ token: z.string().min(1).max(16_384) }).optional(),
});

export type FrameFromListener =
  | { readonly type: 'response'; readonly response: ResponseFrame; readonly hasBody: boolean }
  | { readonly type: 'renew-token'; readonly token: string; readonly hasBody: false }
  | UnusableFrame;

/** What nobody can act on: not JSON, not of the protocol, or a key of a later version. Said in the log and left. */
export type UnusableFrame = { readonly type: 'unusable'; readonly reason: string; readonly hasBody: false };

const unusable = (reason: string): UnusableFrame => ({ type: 'unusable', reason, hasBody: false });

function readJson(text: string): { value: unknown } | UnusableFrame {
  if (text.length > frameCharactersMax) return unusable(`a frame of ${text.length} characters is over the limit`);
  try {
    return { value: JSON.parse(text) };
  } catch {
    return unusable('the frame is not JSON');
  }
}

const issuesOf = (error: z.ZodError): string =>
  error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    .join('; ')
    .slice(0, 300);

const keysOf = (value: unknown): string =>
  typeof value === 'object' && value !== null ? Object.keys(value).join(', ').slice(0, 100) : typeof value;

/** Reads a frame that the relay sent to its listener. Never throws. */
export function frameToListener(text: string): FrameToListener {
  const json = readJson(text);
  if (!('value' in json)) return json;
  const frame = toListener.safeParse(json.value);
  if (!frame.success) return unusable(issuesOf(frame.error));
  const { request, accept } = frame.data;
  if (request !== undefined && 'id' in request) return { type: 'request', request, hasBody: request.body };
  if (request !== undefined) return { type: 'request-elsewhere', address: request.address, hasBody: false };
  if (accept !== undefined) return { type: 'accept', address: accept.address, hasBody: false };
  return unusable(`no key of the protocol that this listener knows: ${keysOf(json.value)}`);
}

/** Reads a frame that a listener sent to the relay. Never throws. */
export function frameFromListener(text: string): FrameFromListener {
  const json = readJson(text);
  if (!('value' in json)) return json;
  const frame = fromListener.safeParse(json.value);
  if (!frame.success) return unusable(issuesOf(frame.error));
  const { response, renewToken } = frame.data;
  if (response !== undefined) return { type: 'response', response, hasBody: response.body };
  if (renewToken !== undefined) return { type: 'renew-token', token: renewToken.token, hasBody: false };
  return unusable(`no key of the protocol that the relay knows: ${keysOf(json.value)}`);
}

/** The bytes that headers take of their limit. */
export const headerBytes = (record: Readonly<Record<string, string>>): number =>
  Object.entries(record).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
