import { startAgent, type Agent } from '../../../agent/service';
import type { AgentConfig } from '../../../agent/config';
import type { Clock } from '../../../agent/clock';
import type { Log, LogFields } from '../../../agent/log';
import { describeThrown } from '../../../contracts/failure';
import { hostId } from '../../../contracts/ids';
import type { SigningKey } from '../../../relay/signing';
import { Draw } from '../platform/chance';
import type { FileAct, FileFate } from '../platform/file-fates';
import { done } from '../platform/file-fates';
import type { Loop } from '../platform/loop';
import { MachineFiles } from '../platform/machine-files';
import { folderOf } from '../platform/modules';
import type { Network } from '../platform/network';
import { outside, Program, runIn } from '../platform/program';
import type { Staging } from '../platform/staging';
import type { RelayService } from '../platform/relay-service';
import { sleepOn } from '../platform/sleep';

export type MachineOptions = {
  readonly name: string;
  readonly seed: number;
  readonly loop: Loop;
  readonly network: Network;
  readonly relay: RelayService;
  readonly appKey: SigningKey;
  readonly onLog: (machine: string, level: string, event: string, fields: LogFields) => void;
  readonly onNames: (machine: string, path: string) => void;
  readonly onWritten: (machine: string, path: string) => void;
  readonly staging: Staging;
};

/** A service manager starts an agent that ended by itself again after this. */
const restartMs = 10_000;
const pullsAtOnceMax = 3;
/** The disks are small; their content is to come over several connections all the same. */
const streamsMax = 3;
const streamBytesMin = 256 * 1024;
export const syncMsMax = 6;
/** 4 MiB a second, so that a copy within a machine takes long enough to be interrupted. */
export const writtenBytesPerMs = 4 * 1024;

/** A Hyper-V host: files, a clock of its own, power, and an agent that is the product's own. */
export class Machine {
  readonly name: string;
  readonly files: MachineFiles;
  /** How far its clock is ahead of the world's. */
  skewMs = 0;
  agent: Agent | undefined;
  program: Program | undefined;
  hasPower = true;
  /** Why the agent did not start the last time. */
  startFailure: string | undefined;
  /** Asked for the fate of each act on a file; the last that is not `done` counts. */
  readonly fileFaults = new Set<(act: FileAct) => FileFate>();
  #starts = 0;
  readonly #draw: Draw;

  constructor(private readonly options: MachineOptions) {
    const { name, seed, loop } = options;
    this.name = name;
    this.#draw = new Draw(seed, `machine ${name}`);
    this.files = new MachineFiles({
      loop,
      draw: new Draw(seed, `files of ${name}`),
      syncMsMax,
      writtenBytesPerMs,
      fateOf: (act) => this.fateOf(act),
      owner: {
        isOther: (program) => program !== outside && program.name !== name,
        isReachableBy: (program) => ![name, program.name].some((one) => options.network.cutOff.has(one)),
        kill: () => this.program?.kill(),
      },
      namesChanged: (path) => options.onNames(name, path),
      written: (path) => options.onWritten(name, path),
    });
  }

  fateOf(act: FileAct): FileFate {
    for (const fault of this.fileFaults) {
      const fate = fault(act);
      if (fate.kind !== 'done') return fate;
    }
    return done;
  }

  get runs(): boolean {
    return this.program?.isAlive === true;
  }

  /** Starts the agent as its service manager does: again and again, should it end. */
  start(): void {
    if (this.runs || !this.hasPower) return;
    const { network, relay } = this.options;
    const program = new Program(this.name, ++this.#starts);
    this.program = program;
    program.onDeath(() => {
      const told = this.hasPower;
      network.programDied(program, told);
      relay.programDied(program, told);
      this.agent = undefined;
    });
    void runIn(program, () => this.#run(program));
  }

  /** `kill -9` of the agent; the service manager starts it again. */
  killAgent(downMs = restartMs): void {
    this.program?.kill();
    this.options.loop.schedule(downMs, () => this.start(), outside);
  }

  /** The power goes and comes back: what was not flushed may be lost, torn or there. */
  losePower(downMs: number, keep: number): void {
    if (!this.hasPower) return;
    this.hasPower = false;
    this.options.network.cutOff.add(this.name);
    this.program?.kill();
    this.files.tree.losePower(
      () => this.#draw.fraction() < keep,
      (changes) => Math.round(this.#draw.fraction() * changes * (keep === 0 ? 0 : 1)),
    );
    this.options.loop.schedule(
      downMs,
      () => {
        this.hasPower = true;
        this.options.network.cutOff.delete(this.name);
        this.start();
      },
      outside,
    );
  }

  async #run(program: Program): Promise<void> {
    const clock = this.clockOf(program);
    const { staging } = this.options;
    const started = await startAgent({
      config: this.#config(),
      clock,
      log: this.#log(),
      stagingStore: (access) => staging.storeOf(this.name, access),
      storageLook: staging.look,
      chance: this.#draw.asChance(),
    }).catch((thrown: unknown) => ({ ok: false as const, failure: { message: describeThrown(thrown) } }));
    if (started.ok) {
      this.agent = started.value;
      this.startFailure = undefined;
      return;
    }
    this.startFailure = started.failure.message;
    program.kill();
    this.options.loop.schedule(restartMs, () => this.start(), outside);
  }

  clockOf(program: Program): Clock {
    const { loop } = this.options;
    return {
      now: () => Math.floor(loop.nowMs) + this.skewMs,
      sleep: (ms, signal) => sleepOn(loop, ms, signal, program),
    };
  }

  #config(): AgentConfig {
    const { name, appKey } = this.options;
    return {
      hostId: hostId.parse(name),
      stateFolder: folderOf(name, 'state'),
      driver: { type: 'simulated', folder: folderOf(name, 'host') },
      relay: { endpoint: 'https://relay.invalid', identity: { type: 'sas', keyName: 'listen', key: 'key' } },
      appPublicKeys: [appKey.publicKey],
      byteRoute: { listenAddress: name, port: 0, advertisedAddress: name, pullsAtOnceMax, streamsMax, streamBytesMin },
    };
  }

  #log(): Log {
    const tell =
      (level: 'info' | 'warn' | 'error') =>
      (event: string, fields: LogFields = {}): void =>
        this.options.onLog(this.name, level, event, fields);
    return { info: tell('info'), warn: tell('warn'), error: tell('error') };
  }
}
