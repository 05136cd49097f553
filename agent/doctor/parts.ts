import type { Clock } from '../clock';
import type { AgentConfig } from '../config';

export type DoctorParts = {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly newGuid: () => string;
  readonly env: NodeJS.ProcessEnv;
  /** On which Hyper-V awaits live migrations. */
  readonly migrationPort: number;
};
