import type { WireFunction } from '../worker/messages';

/** Binding types that this runtime serves, in lower case. */
const supported = [
  'httptrigger',
  'http',
  'timertrigger',
  'orchestrationtrigger',
  'activitytrigger',
  'entitytrigger',
  'durableclient',
  'orchestrationclient',
];

/** A binding that is not served here, and what that means for its function. */
export type Unsupported = {
  readonly functionName: string;
  readonly binding: string;
  readonly type: string;
  readonly effect: 'neverRuns' | 'staysEmpty';
};

/** What of the app does not work here. */
export function unsupportedBindings(functions: readonly WireFunction[]): Unsupported[] {
  return functions.flatMap((wire) =>
    Object.entries(wire.bindings)
      .filter(([, { type }]) => !supported.includes(type.toLowerCase()))
      .map(([binding, { type }]) => ({
        functionName: wire.name,
        binding,
        type,
        effect: binding === wire.triggerName ? 'neverRuns' : 'staysEmpty',
      })),
  );
}

/** Functions whose retry policy has no effect: only timers have one, here as in Azure (of the triggers that are served). */
export const ignoredRetries = (functions: readonly WireFunction[]): string[] =>
  functions
    .filter(({ kind, retry }) => kind !== 'timer' && kind !== 'unsupported' && retry !== null)
    .map(({ name }) => `Function '${name}': its retry policy has no effect, as in Azure: only timers have one.`);

export const unsupportedText = ({ functionName, binding, type, effect }: Unsupported): string =>
  effect === 'neverRuns'
    ? `Function '${functionName}' never runs here: its trigger '${type}' is not supported.`
    : `Function '${functionName}': binding '${binding}' of type '${type}' is not supported and stays empty.`;
