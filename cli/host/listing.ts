import type { LaunchedHost } from '../../runtime/host/launch';
import { unsupportedText } from '../../runtime/host/bindings';
import { z } from 'zod';

const httpBinding = z.looseObject({ route: z.string().optional(), methods: z.array(z.string()).optional() });
const timerBinding = z.looseObject({ schedule: z.string() });

type HostFunction = LaunchedHost['functions'][number];

/** What a host serves, as it is told at its start. */
export function listing(host: LaunchedHost): string[] {
  const width = Math.max(0, ...host.functions.map(({ name }) => name.length));
  const lines = host.functions
    .filter((wire) => wire.kind !== 'unsupported')
    .map((wire) => `  ${wire.name.padEnd(width)}  ${servedText(host, wire)}`);
  return [
    `address:    http://127.0.0.1:${host.port}  (health: /healthz, /readyz; status: /admin/host/status)`,
    `task hub:   ${host.hubName}`,
    `state:      ${host.stateFolder}`,
    `functions:${lines.length === 0 ? '  none' : ''}`,
    ...lines,
    ...host.unsupported.map((one) => `not supported: ${unsupportedText(one)}`),
  ];
}

function servedText(host: LaunchedHost, wire: HostFunction): string {
  const binding = wire.bindings[wire.triggerName];
  if (wire.kind === 'http') {
    const { route = wire.name, methods = [] } = httpBinding.parse(binding);
    const path = [host.routePrefix, route.replace(/^\/+/, '')].filter((part) => part !== '').join('/');
    return `${methods.length === 0 ? 'any method' : methods.join(', ')} http://127.0.0.1:${host.port}/${path}`;
  }
  const timer = wire.kind === 'timer' ? timerBinding.safeParse(binding) : undefined;
  return timer?.success === true ? `timer ${timer.data.schedule}` : wire.kind;
}
