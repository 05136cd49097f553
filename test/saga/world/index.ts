export { FakeAgents, refusedBy, type Fault, type Plan, type Slow, type Where } from './agents';
export { World, type Story } from './state';
