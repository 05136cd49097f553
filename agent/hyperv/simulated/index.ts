export { createHost, joinFabric, type HostSpec } from './create-host';
export { createVm, type DiskSpec, type VmSpec } from './create-vm';
export { createFabric, createRole, type FabricSpec } from './fabric/create-fabric';
export { openSimulatedDriver, type SimulatedDriverOptions } from './driver';
export { crashPoints, failNthCall, type CrashPoint, type SimulationHooks } from './hooks';
