import type { Effect } from './state';

export const lunEffects = {
  'write-configuration': (({ here }) => (here.exported = true)) as Effect,
  'remove-configuration': (({ here }) => (here.exported = false)) as Effect,
  'detach-lun': (({ here }) => (here.hasLun = false)) as Effect,
  'attach-lun': (({ here }) => (here.hasLun = true)) as Effect,
  'reattach-lun': (({ here }) => (here.hasLun = true)) as Effect,
  'surrender-lun': (({ here }) => (here.hasLun = false)) as Effect,
  'register-vm': (({ here }) => (here.planned = true)) as Effect,
  'unregister-vm': (({ here }) => (here.planned = false)) as Effect,
  'forget-source': (({ here }) =>
    Object.assign(here, { registered: false, state: 'absent', fenced: false, reserved: false })) as Effect,
};
