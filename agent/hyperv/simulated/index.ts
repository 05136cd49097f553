export { createHost, type HostSpec } from './create-host';
export { createVm, type DiskSpec, type VmSpec } from './create-vm';
export { openSimulatedDriver, type SimulatedDriverOptions } from './driver';
export { crashPoints, failNthCall, type CrashPoint, type SimulationHooks } from './hooks';
