import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from '../project-root';
import { engine } from './engine';
import type { StandInGuardian } from './stand-in/commands';

const made = z.object({
  signingPfx: z.string(),
  encryptionPfx: z.string(),
  signingThumbprint: z.string(),
  encryptionThumbprint: z.string(),
});
export type MadeGuardian = StandInGuardian & z.infer<typeof made>;

/** A guardian with certificates and private keys of its own, as Hyper-V makes one. */
export function makeGuardian(name: string): MadeGuardian {
  const script = join(projectRoot, 'test', 'powershell', 'make-guardian.ps1');
  const args = ['-NoProfile', '-NonInteractive', '-File', script];
  const text = execFileSync(engine?.command ?? '', args, { encoding: 'utf8' });
  return { name, hasKeys: true, isExportable: true, ...made.parse(JSON.parse(text)) };
}
