/** A property of something that was thrown; `instanceof Error` would not see errors that another realm made (as jest's). */
export const propertyOfThrown = (thrown: unknown, name: string): unknown =>
  typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, name) : undefined;
