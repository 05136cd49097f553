import Module from 'node:module';
import * as realFs from 'node:fs';
import { sep } from 'node:path';
import * as functionsCore from '../../../runtime/core/functions-core';
import { projectRoot } from '../../project-root';
import { InheritedMemory } from './page-memory';
import { standIn } from './stand-in';
import { crypto } from './signatures';
import {
  createReadStream,
  createWriteStream,
  fsPromises,
  net,
  readSync,
  sqlite,
  timersPromises,
  tls,
  ws,
} from './modules';

/** The modules of the platform that production code of the host's side gets simulated ones for. */
const simulated: Readonly<Record<string, unknown>> = {
  'node:fs/promises': fsPromises,
  'node:fs': standIn(realFs, { readSync, createReadStream, createWriteStream }),
  'node:crypto': crypto,
  'node:net': net,
  'node:tls': tls,
  'node:sqlite': sqlite,
  'node:timers/promises': timersPromises,
  ws,
};

const layers = ['agent', 'relay'].map((layer) => `${projectRoot}${sep}dist${sep}${layer}${sep}`);

/**
 * Has `require` give the product's own layers `agent` and `relay` the simulated platform, and everybody the runtime's functions core, as
 * the worker does. To be called before anything of them is loaded. The product's files are the same that run for real.
 */
export function installPlatform(): void {
  const original = Reflect.get(Module, '_load') as (
    request: string,
    parent: { filename?: string } | undefined,
    isMain: boolean,
  ) => unknown;
  const load = (request: string, parent: { filename?: string } | undefined, isMain: boolean): unknown => {
    if (request === '@azure/functions-core') return functionsCore;
    const from = parent?.filename ?? '';
    if (request in simulated && layers.some((layer) => from.startsWith(layer))) return simulated[request];
    return original.call(Module, request, parent, isMain);
  };
  Reflect.set(Module, '_load', load);
  // Not of a module, so it is there for everybody; nobody but the agent asks for it.
  Reflect.set(Reflect.get(globalThis, 'WebAssembly') as object, 'Memory', InheritedMemory);
}
