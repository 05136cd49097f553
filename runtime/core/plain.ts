/** A value of JSON with named fields. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * For the few shapes that come several times with each step of an orchestration: they are checked by hand, field by field, since a
 * schema takes some twenty times as long. Whatever is not quite such a shape goes to the schema, which also says what is wrong.
 */
export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);

export const isTextOrNull = (value: unknown): value is string | null => value === null || typeof value === 'string';
