import { leavesCluster, type Effect, type Side } from './state';

/** The registration goes from one host to the other, with what the run marked on it. */
function handOver(here: Side, there: Side): void {
  if (!here.registered) return;
  Object.assign(there, { registered: true, state: here.state, planned: false, copies: 0, reserved: true });
  Object.assign(here, { registered: false, state: 'absent', reserved: false });
}

const move: Effect = ({ here, there }) => {
  handOver(here, there);
};
const nothing: Effect = () => undefined;

export const moveEffects = {
  'describe-vm': nothing,
  'admit-vm': (({ here }) => (here.reserved = true)) as Effect,
  'withdraw-vm': (({ world, here }) => {
    if (here.registered && here !== world.source) world.violations.push('a VM was withdrawn from where it is');
    Object.assign(here, { reserved: false, planned: false, copies: 0 });
  }) as Effect,
  'locate-vm': (({ world, here }) => {
    if (here === world.destination) world.movingLooks -= 1;
  }) as Effect,
  'move-live': move,
  'move-storage': (({ here }) => (here.inFolder = true)) as Effect,
  'move-whole': ((on) => {
    leavesCluster(on);
    move(on);
  }) as Effect,
  'move-role': move,
  'return-role': (({ here, there }) => {
    if (here.state === 'running') return;
    handOver(here, there);
  }) as Effect,
  'start-role': (({ here }) => {
    if (here.registered) here.state = 'running';
  }) as Effect,
  'remove-role': (({ here }) => {
    if (here.isRole) Object.assign(here, { isRole: false, removedRole: true });
  }) as Effect,
  'restore-role': (({ here }) => {
    if (here.removedRole) Object.assign(here, { isRole: true, removedRole: false });
  }) as Effect,
  'make-role': (({ here }) => (here.isRole = true)) as Effect,
};
