import { appRegistry } from '../core/registry';
import type { WireFunction } from './messages';

/** What the app has registered in this process, as far as it can be told to a host. */
export const wireFunctions = (): WireFunction[] =>
  appRegistry.functions().map(({ name, kind, trigger, bindings, retry }) => ({
    name,
    kind,
    triggerName: trigger.name,
    // Bindings came from the app's code: only what JSON can say of them goes to the host.
    bindings: JSON.parse(JSON.stringify(bindings)) as WireFunction['bindings'],
    retry: retry === undefined ? null : (JSON.parse(JSON.stringify(retry)) as unknown),
  }));
