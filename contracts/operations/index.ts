export { type VmNeeds } from './moves';
export { pullSubject, type PullSubject } from './pull';
export {
  operationKinds,
  operations,
  rulesOf,
  type OperationInput,
  type OperationKind,
  type OperationOutput,
} from './registry';
export {
  operationProgress,
  operationRequest,
  operationView,
  type OperationProgress,
  type OperationRequest,
  type OperationView,
} from './request';
