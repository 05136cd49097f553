/* eslint-disable @typescript-eslint/no-require-imports, @typescript-eslint/consistent-type-imports --
   a file is loaded when its command is asked for; import() would do as much for a process, and nothing under Jest */
import type { Loaded } from './asked';

/** The commands of the program, in the order of the help. */
export const commands: readonly Loaded[] = [
  { names: ['up', 'start'], load: () => (require('./up') as typeof import('./up')).registerUp },
  {
    names: ['demo-faults'],
    load: () => (require('./demo-faults') as typeof import('./demo-faults')).registerDemoFaults,
  },
  {
    names: ['demo-vm'],
    load: () => (require('./demo-vm') as typeof import('./demo-vm')).registerDemoVm,
  },
  { names: ['hosts'], load: () => (require('./hosts') as typeof import('./hosts')).registerHosts },
  { names: ['vms'], load: () => (require('./vms') as typeof import('./vms')).registerVms },
  {
    names: ['preflight'],
    load: () => (require('./preflight') as typeof import('./preflight')).registerPreflight,
  },
  {
    names: ['migrate'],
    load: () => (require('./migrate') as typeof import('./migrate')).registerMigrate,
  },
  {
    names: ['status'],
    load: () => (require('./status') as typeof import('./status')).registerStatus,
  },
  { names: ['watch'], load: () => (require('./watch') as typeof import('./watch')).registerWatch },
  {
    names: ['cancel'],
    load: () => (require('./cancel') as typeof import('./cancel')).registerCancel,
  },
  {
    names: ['pause', 'resume'],
    load: () => (require('./hold') as typeof import('./hold')).registerHold,
  },
  {
    names: ['answer'],
    load: () => (require('./answer') as typeof import('./answer')).registerAnswer,
  },
  {
    names: ['receipt'],
    load: () => (require('./receipt') as typeof import('./receipt')).registerReceipt,
  },
  { names: ['batch'], load: () => (require('./batch') as typeof import('./batch')).registerBatch },
  { names: ['keys'], load: () => (require('./keys') as typeof import('./keys')).registerKeys },
  { names: ['disk'], load: () => (require('./disk') as typeof import('./disk')).registerDisk },
  { names: ['host'], load: () => (require('./host') as typeof import('./host')).registerHost },
  { names: ['agent'], load: () => (require('./agent') as typeof import('./agent')).registerAgent },
];
