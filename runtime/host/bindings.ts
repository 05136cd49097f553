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

/** What of the app does not work here, one line a binding. */
export function unsupportedBindings(functions: readonly WireFunction[]): string[] {
  return functions.flatMap((wire) =>
    Object.entries(wire.bindings)
      .filter(([, binding]) => !supported.includes(binding.type.toLowerCase()))
      .map(([name, { type }]) =>
        name === wire.triggerName
          ? `Function '${wire.name}' never runs here: its trigger '${type}' is not supported.`
          : `Function '${wire.name}': binding '${name}' of type '${type}' is not supported and stays empty.`,
      ),
  );
}
