import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { runFunction, threw, type InvocationInput, type LogLine, type RunEnd } from '../core/invoke';
import { appRegistry, type RegisteredFunction } from '../core/registry';
import { activityData, type TypedData } from '../core/typed-data';
import { fromRpcResponse, toRpcRequest } from './http-data';
import type { Call, WireEnd, WireRequest, WireValue } from './messages';
import { OrchestratorTurns } from './orchestrator-turns';

export type CallParts = {
  readonly invocationId: string;
  readonly functionName: string;
  /** JSON text for durable client bindings. */
  readonly clientData: string;
  readonly log: (line: LogLine) => void;
};

type TriggerValue = {
  readonly data: InvocationInput['data'][string];
  readonly metadata?: InvocationInput['triggerMetadata'];
};

/** Carries out the host's calls on the functions of this process. */
export class CallRunner {
  readonly #orchestrators = new OrchestratorTurns();

  async run(call: Call, parts: CallParts): Promise<WireEnd> {
    const registered = appRegistry.find(parts.functionName);
    if (registered === undefined) return threw(new Error(`no function '${parts.functionName}' is registered`));
    const { invocationId, log } = parts;
    const extra = clientInputs(registered, parts.clientData);
    if (call.kind === 'orchestrator') {
      const data = { [registered.trigger.name]: null, ...extra };
      const ended = await this.#orchestrators.run(registered, call.turn, {
        invocationId,
        data,
        triggerMetadata: {},
        log,
      });
      return ended === 'historyMissing' ? { kind: ended } : wireEnd(ended);
    }
    const trigger = triggerOf(call);
    return wireEnd(
      await runFunction(registered, {
        invocationId,
        data: { [registered.trigger.name]: trigger.data, ...extra },
        triggerMetadata: trigger.metadata ?? {},
        ...(call.kind === 'timer' && call.retry !== null ? { retryContext: call.retry } : {}),
        log,
      }),
    );
  }
}

function triggerOf(call: Exclude<Call, { kind: 'orchestrator' }>): TriggerValue {
  switch (call.kind) {
    case 'activity':
      return { data: activityData(call.input), metadata: { instanceId: textData(call.instanceId) } };
    case 'entity':
    case 'timer':
      return { data: { json: call.payload } };
    case 'http':
      return { data: { http: toRpcRequest(call.request) }, metadata: httpMetadata(call.request) };
  }
}

/** As far as this tells, `@azure/functions` takes a string for JSON; it finds out by trying, and what is no JSON costs it an error. */
const mayBeJson = /^\s*(?:["[{]|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?\s*$|(?:true|false|null)\s*$)/i;

/** What a function finds in a string of its metadata: what the string means as JSON, or else the string. */
const textData = (text: string): TypedData =>
  mayBeJson.test(text) ? { string: text } : { json: JSON.stringify(text) };

/** Streamed requests take their headers and route parameters from here (createStreamRequest of `@azure/functions`). */
function httpMetadata(request: WireRequest): Record<string, TypedData> {
  const parameters = Object.entries(request.params).map(([name, value]) => [name, { string: value }]);
  return {
    ...(Object.fromEntries(parameters) as Record<string, TypedData>),
    Headers: { json: JSON.stringify(request.headers) },
    Query: { json: JSON.stringify(request.query) },
  };
}

const clientBindings = new WeakMap<RegisteredFunction, readonly string[]>();

function clientInputs(registered: RegisteredFunction, clientData: string): Record<string, TypedData> {
  let names = clientBindings.get(registered);
  if (names === undefined) {
    names = Object.entries(registered.bindings)
      .filter(([, binding]) => /^(durableClient|orchestrationClient)$/i.test(binding.type))
      .map(([name]) => name);
    clientBindings.set(registered, names);
  }
  return names.length === 0 ? {} : Object.fromEntries(names.map((name) => [name, { string: clientData }]));
}

function wireEnd(ended: RunEnd): WireEnd {
  if (ended.kind === 'threw') return ended;
  const { returned } = ended;
  if (returned.kind === 'http') return { kind: 'http', response: fromRpcResponse(returned.response) };
  return { kind: 'returned', value: returned.value === null ? null : wireValueOf(returned.value) };
}

function wireValueOf(value: TypedData): WireValue {
  return 'bytes' in value ? { base64: Buffer.from(value.bytes).toString('base64') } : value;
}

const capabilities = z.looseObject({ HttpUri: z.string().optional() });

/** Where the worker takes streamed HTTP requests; null when the app has not enabled streams. */
export async function httpUri(): Promise<string | null> {
  const answered = await appRegistry.model?.getCapabilities?.({ WorkerId: randomUUID() });
  return capabilities.parse(answered ?? {}).HttpUri ?? null;
}
