import Module from 'node:module';
import * as functionsCore from '../core/functions-core';

/**
 * Makes `require('@azure/functions-core')` give the runtime's module, whoever asks: the way in which the official Node worker
 * supplies it (azure-functions-nodejs-worker, setupCoreModule).
 */
export function installCore(): void {
  const { prototype } = Module;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'require');
  const original: unknown = descriptor?.value;
  if (typeof original !== 'function') throw new Error('Module.prototype.require is no function');
  const require = new Proxy(original, {
    apply(target, self: unknown, parameters: unknown[]): unknown {
      if (parameters[0] === '@azure/functions-core') return functionsCore;
      return Reflect.apply(target, self, parameters) as unknown;
    },
  });
  Object.defineProperty(prototype, 'require', { ...descriptor, value: require });
}
