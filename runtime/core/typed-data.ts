import { z } from 'zod';
import { isFields } from './plain';

const bytes = z.instanceof(Uint8Array);

/** The values that host and worker exchange (RpcTypedData of the Functions worker protocol), as far as they occur here. */
export const typedData = z.union([
  z.object({ string: z.string() }),
  z.object({ json: z.string() }),
  z.object({ int: z.number() }),
  z.object({ double: z.number() }),
  z.object({ bytes }),
]);
export type TypedData = z.infer<typeof typedData>;

/** What nearly all values are, checked without the schema; undefined for anything else. */
export function plainTypedData(value: unknown): Exclude<TypedData, { bytes: unknown }> | undefined {
  if (!isFields(value)) return undefined;
  if (typeof value['string'] === 'string') return { string: value['string'] };
  if (typeof value['json'] === 'string') return { json: value['json'] };
  if (Number.isFinite(value['int'])) return { int: Number(value['int']) };
  return Number.isFinite(value['double']) ? { double: Number(value['double']) } : undefined;
}

/** The JSON text of a returned value, null for none: a string becomes a JSON string, bytes become base64, as in the real host. */
export function jsonTextOf(value: TypedData | null): string | null {
  if (value === null) return null;
  if ('string' in value) return JSON.stringify(value.string);
  if ('json' in value) return value.json;
  if ('int' in value) return JSON.stringify(value.int);
  if ('double' in value) return JSON.stringify(value.double);
  return JSON.stringify(Buffer.from(value.bytes).toString('base64'));
}

/**
 * An activity's input as the extension hands it to the worker: strings as they are (durable-functions has made them JSON
 * before), booleans as .NET prints them, everything else as JSON; null is no data at all.
 */
export function activityData(inputText: string | null): TypedData | null {
  if (inputText === null) return null;
  const value: unknown = JSON.parse(inputText);
  if (value === null) return null;
  if (typeof value === 'string') return { string: value };
  if (typeof value === 'boolean') return { string: value ? 'True' : 'False' };
  return { string: inputText };
}
