import { askHyperV, type HyperVLook } from './looks/hyper-v';
import { askPowerShell, type PowerShellLook } from './looks/powershell';
import { askRelay, type RelayLook } from './looks/relay';
import { tryStateFolder, type StateFolderLook } from './looks/state-folder';
import type { DoctorParts } from './parts';

/** Everything that checks look at. Each look is made once, when a check first asks for it. */
export class Surroundings {
  private readonly made = new Map<string, Promise<unknown>>();

  constructor(readonly parts: DoctorParts) {}

  stateFolder(): Promise<StateFolderLook> {
    return this.once('state-folder', () => tryStateFolder(this.parts));
  }
  relay(): Promise<RelayLook> {
    return this.once('relay', () => askRelay(this.parts));
  }
  powerShell(): Promise<PowerShellLook> {
    return this.once('powershell', () => askPowerShell(this.parts));
  }
  hyperV(): Promise<HyperVLook> {
    return this.once('hyper-v', () => askHyperV(this.parts));
  }

  private once<T>(name: string, look: () => Promise<T>): Promise<T> {
    const known = this.made.get(name) as Promise<T> | undefined;
    const made = known ?? look();
    this.made.set(name, made);
    return made;
  }
}
