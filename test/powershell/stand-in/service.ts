import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { roleSettings } from '../../../contracts/operations/roles';
import { firewallRule, standInGuardian, type StandInHyperV } from './commands';
import { processorVectors } from './moves';
import { HyperVRefusal } from './refusal';
import { newSwitch } from './switches';

const vmId = z.string();
const lunPath = z.object({ name: z.string(), path: z.string() });
const request = z.intersection(
  z.object({ worker: z.int().positive() }),
  z.discriminatedUnion('command', [
    z.object({ command: z.literal('host') }),
    z.object({ command: z.literal('volume'), with: z.object({ path: z.string() }) }),
    z.object({ command: z.literal('vms') }),
    z.object({ command: z.literal('events'), with: z.object({ log: z.string() }) }),
    z.object({ command: z.literal('groups') }),
    z.object({ command: z.literal('firewall-rules') }),
    z.object({ command: z.literal('firewall-profiles') }),
    z.object({ command: z.literal('add-firewall-rule'), with: firewallRule }),
    z.object({ command: z.literal('remove-firewall-rule'), with: z.object({ name: z.string() }) }),
    z.object({ command: z.literal('guardians') }),
    z.object({ command: z.literal('add-guardian'), with: standInGuardian }),
    z.object({ command: z.literal('switches') }),
    z.object({ command: z.literal('add-switch'), with: newSwitch }),
    z.object({ command: z.literal('set-switch-notes'), with: z.object({ id: z.string(), notes: z.string() }) }),
    z.object({ command: z.literal('remove-switch'), with: z.object({ id: z.string() }) }),
    z.object({ command: z.literal('hardware'), with: z.object({ vmId }) }),
    z.object({ command: z.literal('image'), with: z.object({ path: z.string() }) }),
    z.object({ command: z.literal('set-notes'), with: z.object({ vmId, notes: z.string() }) }),
    z.object({ command: z.literal('take-checkpoint'), with: z.object({ vmId, name: z.string() }) }),
    z.object({ command: z.literal('remove-checkpoint'), with: z.object({ vmId, id: z.string() }) }),
    z.object({
      command: z.literal('rename-checkpoint'),
      with: z.object({ vmId, id: z.string(), name: z.string() }),
    }),
    z.object({ command: z.literal('take-recovery'), with: z.object({ vmId }) }),
    z.object({ command: z.literal('convert'), with: z.object({ vmId, id: z.string() }) }),
    z.object({ command: z.literal('points') }),
    z.object({ command: z.literal('destroy-point'), with: z.object({ id: z.string() }) }),
    z.object({
      command: z.literal('changes'),
      with: z.object({ path: z.string(), since: z.string(), offsetBytes: z.int(), lengthBytes: z.int() }),
    }),
    z.object({ command: z.literal('luns') }),
    z.object({ command: z.literal('set-lun-offline'), with: z.object({ name: z.string(), isOffline: z.boolean() }) }),
    z.object({
      command: z.literal('set-lun-read-only'),
      with: z.object({ name: z.string(), isReadOnly: z.boolean() }),
    }),
    z.object({ command: z.literal('add-lun-path'), with: lunPath }),
    z.object({ command: z.literal('remove-lun-path'), with: lunPath }),
    z.object({ command: z.literal('role'), with: z.object({ vmId }) }),
    z.object({ command: z.literal('roles') }),
    z.object({ command: z.literal('cluster-nodes') }),
    z.object({ command: z.literal('remove-group'), with: z.object({ vmId }) }),
    z.object({ command: z.literal('add-group'), with: z.object({ vmId, name: z.string().nullable() }) }),
    z.object({ command: z.literal('set-group'), with: z.object({ vmId, settings: roleSettings.partial() }) }),
    z.object({ command: z.literal('move-group'), with: z.object({ vmId, node: z.string() }) }),
    z.object({ command: z.literal('job'), with: z.object({ id: z.string() }) }),
    z.object({ command: z.literal('save'), with: z.object({ vmId }) }),
    z.object({ command: z.literal('shut-down'), with: z.object({ vmId }) }),
    z.object({ command: z.literal('start'), with: z.object({ vmId }) }),
    z.object({ command: z.literal('denials'), with: z.object({ path: z.string() }) }),
    z.object({
      command: z.literal('export'),
      with: z.object({
        vmId,
        folder: z.string(),
        copiesRuntime: z.boolean(),
        copiesStorage: z.boolean(),
        checkpointId: z.string().nullable(),
        captures: z.int(),
      }),
    }),
    z.object({ command: z.literal('export-jobs') }),
    z.object({ command: z.literal('stop-export'), with: z.object({ id: z.string() }) }),
    z.object({ command: z.literal('rename'), with: z.object({ vmId, name: z.string() }) }),
    z.object({ command: z.literal('drop-planned-memory'), with: z.object({ vmId }) }),
    z.object({
      command: z.literal('create'),
      with: z.object({
        name: z.string(),
        folder: z.string(),
        diskPath: z.string(),
        generation: z.int(),
        memoryBytes: z.int(),
        switchName: z.string().nullable(),
      }),
    }),
    z.object({ command: z.literal('remove'), with: z.object({ vmId }) }),
    z.object({
      command: z.literal('plan'),
      with: z.object({ path: z.string(), hasNewId: z.boolean(), root: z.string().nullable() }),
    }),
    z.object({ command: z.literal('planned') }),
    z.object({ command: z.literal('planned-here') }),
    z.object({ command: z.literal('vectors'), with: z.object({ vmId: vmId.nullable() }) }),
    z.object({ command: z.literal('move-jobs') }),
    z.object({
      command: z.literal('plan-move'),
      with: z.object({ vmId, destinationHost: z.string(), folder: z.string() }),
    }),
    z.object({
      command: z.literal('start-move'),
      with: z.object({
        how: z.enum(['live', 'whole', 'storage']),
        vmId,
        destinationHost: z.string().optional(),
        folder: z.string().optional(),
      }),
    }),
    z.object({ command: z.literal('stop-move'), with: z.object({ id: z.string() }) }),
    z.object({ command: z.literal('stop-move-of'), with: z.object({ vmId }) }),
    z.object({ command: z.literal('incompatibilities'), with: z.object({ vmId }) }),
    z.object({
      command: z.literal('set-planned-disk'),
      with: z.object({ vmId, diskId: z.string(), path: z.string() }),
    }),
    z.object({ command: z.literal('set-planned-switch'), with: z.object({ vmId, switchName: z.string().nullable() }) }),
    z.object({ command: z.literal('realize'), with: z.object({ vmId }) }),
    z.object({ command: z.literal('destroy'), with: z.object({ vmId }) }),
    z.object({
      command: z.literal('set-denial'),
      with: z.object({ path: z.string(), sid: z.string(), denied: z.boolean() }),
    }),
  ]),
);
type Request = z.infer<typeof request>;
export type StandInCommand = Request['command'];

const carryOut = async (hyperV: StandInHyperV, asked: Request): Promise<unknown> => {
  const { registrations, checkpoints, jobs, moves } = hyperV;
  switch (asked.command) {
    case 'host':
      return hyperV.host();
    case 'volume':
      return hyperV.volume(asked.with.path);
    case 'events': {
      const events = hyperV.eventLogs.get(asked.with.log);
      return Promise.resolve({ isThere: events !== undefined, events: events ?? [] });
    }
    case 'vms':
      return hyperV.vms();
    case 'firewall-profiles':
      return Promise.resolve(hyperV.firewallProfiles);
    case 'firewall-rules':
      return Promise.resolve(hyperV.firewallRules);
    case 'add-firewall-rule':
      hyperV.firewallRules.push(asked.with);
      return Promise.resolve();
    case 'remove-firewall-rule':
      hyperV.firewallRules = hyperV.firewallRules.filter(({ name }) => name !== asked.with.name);
      return Promise.resolve();
    case 'guardians':
      return Promise.resolve(hyperV.guardians);
    case 'add-guardian':
      hyperV.guardians.push(asked.with);
      return Promise.resolve();
    case 'switches':
      return hyperV.switches.list();
    case 'add-switch':
      return hyperV.switches.add(asked.with);
    case 'set-switch-notes':
      return hyperV.switches.setNotes(asked.with.id, asked.with.notes);
    case 'remove-switch':
      return hyperV.switches.remove(asked.with.id);
    case 'groups':
      return Promise.resolve(hyperV.groups);
    case 'hardware':
      return hyperV.hardware(asked.with.vmId);
    case 'image':
      return hyperV.image(asked.with.path);
    case 'set-notes':
      return hyperV.setNotes(asked.with.vmId, asked.with.notes);
    case 'take-checkpoint':
      return checkpoints.take(asked.with.vmId, asked.with.name, 'Standard');
    case 'remove-checkpoint':
      return checkpoints.remove(asked.with.vmId, asked.with.id);
    case 'rename-checkpoint':
      return checkpoints.rename(asked.with.vmId, asked.with.id, asked.with.name);
    case 'take-recovery':
      return jobs.start(() => checkpoints.take(asked.with.vmId, 'Backup', 'Recovery'));
    case 'convert':
      return jobs.start(() => checkpoints.convert(asked.with.vmId, asked.with.id));
    case 'points':
      return checkpoints.points();
    case 'destroy-point':
      return jobs.start(() => checkpoints.destroyPoint(asked.with.id));
    case 'changes': {
      const { path, since, offsetBytes, lengthBytes } = asked.with;
      return checkpoints.changes(path, since, offsetBytes, lengthBytes);
    }
    case 'luns':
      return hyperV.luns.list();
    case 'set-lun-offline':
      return hyperV.luns.setOffline(asked.with.name, asked.with.isOffline);
    case 'set-lun-read-only':
      return hyperV.luns.setReadOnly(asked.with.name, asked.with.isReadOnly);
    case 'add-lun-path':
      return hyperV.luns.addPath(asked.with.name, asked.with.path);
    case 'remove-lun-path':
      return hyperV.luns.removePath(asked.with.name, asked.with.path);
    case 'role':
      return hyperV.roles.of(asked.with.vmId);
    case 'roles':
      return hyperV.roles.list();
    case 'cluster-nodes':
      return Promise.resolve(hyperV.roles.nodes());
    case 'remove-group':
      return hyperV.roles.remove(asked.with.vmId);
    case 'add-group':
      return hyperV.roles.add(asked.with.vmId, asked.with.name);
    case 'set-group':
      return hyperV.roles.set(asked.with.vmId, asked.with.settings);
    case 'move-group':
      return hyperV.roles.move(asked.with.vmId, asked.with.node);
    case 'job':
      return jobs.look(asked.with.id);
    case 'save':
      return hyperV.save(asked.with.vmId);
    case 'shut-down':
      return hyperV.shutDown(asked.with.vmId);
    case 'denials':
      return hyperV.denials(asked.with.path);
    case 'set-denial':
      return hyperV.setDenial(asked.with.path, asked.with.sid, asked.with.denied);
    case 'start':
      return hyperV.start(asked.with.vmId);
    case 'export':
      return hyperV.export(asked.with.vmId, asked.with.folder, asked.with);
    case 'export-jobs':
      return Promise.resolve(hyperV.exports.list());
    case 'stop-export':
      hyperV.exports.stop(asked.with.id);
      return null;
    case 'rename':
      return registrations.rename(asked.with.vmId, asked.with.name);
    case 'drop-planned-memory':
      registrations.dropMemory(asked.with.vmId);
      return null;
    case 'create':
      return registrations.create(asked.with);
    case 'remove':
      return hyperV.remove(asked.with.vmId);
    case 'plan':
      return registrations.plan(asked.with.path, asked.with.hasNewId, asked.with.root);
    case 'planned':
      return [...registrations.plannedVms(), ...moves.plans()];
    case 'planned-here':
      return [...registrations.plannedVms().map(({ id }) => id), ...moves.inbound];
    case 'vectors':
      return processorVectors(hyperV.simulated, asked.with.vmId);
    case 'move-jobs':
      return moves.list();
    case 'plan-move':
      return moves.plan(asked.with.vmId, asked.with.destinationHost, asked.with.folder);
    case 'start-move': {
      const { how, vmId: moved, destinationHost: peer, folder } = asked.with;
      return moves.start(how, moved, { ...(peer !== undefined && { peer }), ...(folder !== undefined && { folder }) });
    }
    case 'stop-move':
      moves.stop(asked.with.id);
      return null;
    case 'stop-move-of':
      moves.stopOf(asked.with.vmId);
      return null;
    case 'incompatibilities':
      return (moves.outbound.has(asked.with.vmId) ? moves : registrations).incompatibilities(asked.with.vmId);
    case 'set-planned-disk':
      registrations.setDisk(asked.with.vmId, asked.with.diskId, asked.with.path);
      return null;
    case 'set-planned-switch':
      (moves.outbound.has(asked.with.vmId) ? moves : registrations).setSwitch(asked.with.vmId, asked.with.switchName);
      return null;
    case 'realize':
      return hyperV.realize(asked.with.vmId);
    case 'destroy':
      if (!moves.inbound.delete(asked.with.vmId)) registrations.destroy(asked.with.vmId);
      return null;
  }
};

const looks = [
  'host',
  'volume',
  'vms',
  'events',
  'groups',
  'switches',
  'guardians',
  'firewall-rules',
  'firewall-profiles',
  'hardware',
  'image',
  'denials',
  'export-jobs',
  'planned',
  'planned-here',
  'vectors',
  'move-jobs',
  'incompatibilities',
  'points',
  'changes',
  'job',
  'role',
  'roles',
  'cluster-nodes',
  'luns',
];

const accessDenied = () => new HyperVRefusal('OperationFailed', 'Access is denied.', 0x80070005 | 0);

/** Before a command is carried out, or after it and before it is answered. */
export type Moment = 'before' | 'after';

/** The service behind the stand-in modules, over HTTP on the loopback. It outlives the workers, as the real one does. */
export class StandInService {
  private server: Server | undefined;
  url = '';
  /** Commands that changed something, in order. */
  readonly changes: string[] = [];
  /** Those that looked, in order. */
  readonly looks: string[] = [];
  /** When the worker that asks is killed: before the next such command is carried out, or after it and before it is answered. */
  private faults: { command: StandInCommand; when: Moment }[] = [];
  /** Whether a worker is killed at a command, and when; asked for each one for which no kill was ordered. */
  strike: (command: StandInCommand, isLook: boolean) => Moment | undefined = () => undefined;

  private refused: StandInCommand | undefined;
  /** Looks that are refused once a command was carried out. */
  private blindness: { readonly after: StandInCommand; hasBegun: boolean; left: number } | undefined;

  /** Another in its place when a test gets a host of its own. */
  constructor(public hyperV: StandInHyperV) {}

  async listen(): Promise<void> {
    const server = createServer((asked, answer) => void this.answer(asked, answer));
    this.server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a server listens on a port');
    this.url = `http://127.0.0.1:${address.port}/`;
  }

  killWorkerAt(command: StandInCommand, when: Moment): void {
    this.faults.push({ command, when });
  }

  /** The next such command is not carried out. */
  refuse(command: StandInCommand): void {
    this.refused = command;
  }

  /** What was done is not seen: the next looks after such a command, all of them by default, are refused. */
  refuseLooksAfter(command: StandInCommand, count = Infinity): void {
    this.blindness = { after: command, hasBegun: false, left: count };
  }

  /** Looks are answered again. Whether one had been refused. */
  seeAgain(): boolean {
    const { blindness } = this;
    this.blindness = undefined;
    return blindness?.hasBegun === true;
  }

  /** Kills that have yet to come. */
  get faultCount(): number {
    return this.faults.length;
  }

  async close(): Promise<void> {
    await this.hyperV.idle();
    const { server } = this;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  private async answer(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of asked) chunks.push(chunk as Buffer);
    const parsed = request.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    const when = this.killAt(parsed.command);
    if (when === 'before') {
      process.kill(parsed.worker, 'SIGKILL');
      answer.destroy();
      return;
    }
    const said = await this.tryOut(parsed);
    if (when === 'after') process.kill(parsed.worker, 'SIGKILL');
    answer.setHeader('Content-Type', 'application/json; charset=utf-8');
    answer.end(JSON.stringify(said));
  }

  private killAt(command: StandInCommand): Moment | undefined {
    const ordered = this.faults.find((fault) => fault.command === command);
    if (ordered === undefined) return this.strike(command, looks.includes(command));
    this.faults = this.faults.filter((fault) => fault !== ordered);
    return ordered.when;
  }

  private async tryOut(asked: Request) {
    const isLook = looks.includes(asked.command);
    (isLook ? this.looks : this.changes).push(asked.command);
    try {
      if (isLook) this.refuseIfBlind();
      if (this.refused === asked.command) {
        this.refused = undefined;
        throw accessDenied();
      }
      const value = (await carryOut(this.hyperV, asked)) ?? null;
      if (this.blindness?.after === asked.command) this.blindness.hasBegun = true;
      return { value, error: null };
    } catch (thrown) {
      if (!(thrown instanceof HyperVRefusal)) throw thrown;
      const { id, message, hresult, category } = thrown;
      return { value: null, error: { id, message, hresult, category } };
    }
  }

  private refuseIfBlind(): void {
    const { blindness } = this;
    if (blindness?.hasBegun !== true || blindness.left === 0) return;
    blindness.left -= 1;
    throw accessDenied();
  }
}
