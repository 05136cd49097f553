export { type VmNeeds } from './moves';
export { pullSubject, type PullSubject } from './pull';
export {
  isOfByteRoute,
  operationKinds,
  operations,
  rulesOf,
  type ByteRouteKind,
  type OperationInput,
  type OperationKind,
  type OperationOutput,
} from './registry';
export { type MadeRole, type RemovedRole, type RoleSettings } from './roles';
export { stagingAccess, type StagingAccess } from './staged';
export {
  operationProgress,
  operationRequest,
  operationView,
  type OperationProgress,
  type OperationRequest,
  type OperationView,
} from './request';
