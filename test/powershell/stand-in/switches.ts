import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson, writeJsonAtomic } from '../../../agent/hyperv/files';
import type { SimulatedHost } from '../../../agent/hyperv/simulated/host';
import { madeSwitchTypes } from '../../../contracts/switches';
import { HyperVRefusal } from './refusal';

export const newSwitch = z.object({
  name: z.string(),
  type: z.string().toLowerCase().pipe(z.enum(madeSwitchTypes)),
  notes: z.string(),
});

const kept = z.record(z.string(), z.string());

/** An id for a switch that the simulated host has by its name alone. */
function idOfName(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Virtual switches as Hyper-V has them: each with an id and notes, names as often as somebody likes. */
export class StandInSwitches {
  constructor(
    private readonly host: SimulatedHost,
    private readonly folder: string,
  ) {}

  async list() {
    const { record, state } = this.host;
    const notes = await this.notes();
    const all = [
      ...record.switches.map((name) => ({
        id: idOfName(name),
        name,
        type: record.switchTypes[name] ?? 'external',
      })),
      ...state.switches,
    ];
    return all.map(({ id, name, type }) => ({
      id,
      name,
      type: type.replace(/^./, (letter) => letter.toUpperCase()),
      notes: notes[id] ?? '',
    }));
  }

  async add({ name, type, notes }: z.infer<typeof newSwitch>): Promise<string> {
    const id = this.host.newGuid();
    await writeJsonAtomic(this.file, { ...(await this.notes()), [id]: notes });
    await this.host.state.saveSwitch({ schema: 1, id, name, type, madeBy: null });
    return id;
  }

  async setNotes(id: string, notes: string): Promise<void> {
    if (!(await this.list()).some((one) => one.id === id)) throw missing(id);
    await writeJsonAtomic(this.file, { ...(await this.notes()), [id]: notes });
  }

  async remove(id: string): Promise<void> {
    if (!this.host.state.switches.some((one) => one.id === id)) throw missing(id);
    await this.host.state.dropSwitch(id);
  }

  private get file(): string {
    return join(this.folder, 'stand-in-switches.json');
  }

  private async notes(): Promise<z.infer<typeof kept>> {
    const read = await readJson(this.file, kept);
    return read.state === 'read' ? read.value : {};
  }
}

const missing = (id: string) => new HyperVRefusal('ObjectNotFound', `There is no switch ${id}.`);
