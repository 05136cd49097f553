import { z } from 'zod';
import { hostId } from '../../../../contracts/ids';
import { hostArguments } from './host';
import { told } from './inspection';

export const doctorArguments = hostArguments.extend({ MigrationPort: z.int().min(1).max(65_535), HostId: hostId });

/** What scripts/handlers/doctor.ps1 tells of the account and of the surroundings of Hyper-V. */
export const doctorValue = z.object({
  account: told(z.string()),
  /** Security identifiers of the groups of the account, the integrity of its session among them. */
  groups: told(z.array(z.string())),
  module: told(z.string()),
  fileSystems: z.array(z.object({ root: z.string(), fileSystem: told(z.string()) })),
  /** Whether something listens on the port that was asked for. */
  listens: told(z.boolean()),
  firewall: told(
    z.object({
      /** Rules that this agent made. */
      rules: z.int().nonnegative(),
      profiles: z.array(
        z.object({
          name: z.string(),
          enabled: z.boolean(),
          /** False where all that comes in is blocked, whatever rules say. */
          inboundRules: z.boolean(),
          /** False where group policy lets its own rules count alone. */
          localRulesCount: z.boolean(),
        }),
      ),
    }),
  ),
});
