import { check } from '../check';

/** Export and import. */
export const exportChecks = [
  check({
    id: 'export-vm-checkpoint',
    severity: 'critical',
    code: 'NotFound',
    kinds: ['export'],
    scenario: { when: 'of a VM checkpoint', holds: (r) => r.kind === 'export' && r.part === 'vm-checkpoint' },
    looksAt: ['vm.name', 'vm.vmCheckpoints'],
    finds: 'The VM has no such VM checkpoint.',
    remedy: 'Name one that it has (Get-VMSnapshot).',
    source: 'Microsoft: Export-VMSnapshot',
    look(see, request) {
      const wanted = request.kind === 'export' ? request.vmCheckpointId : null;
      const all = see['vm.vmCheckpoints'];
      if (all.some(({ id }) => id === wanted)) return undefined;
      const has = all.map(({ id, name }) => `${id} ("${name}")`).join(', ') || 'none';
      return { message: `vmCheckpointId is ${wanted ?? 'not given'}; VM ${see['vm.name']} has ${has}.` };
    },
  }),
  check({
    id: 'import-complete',
    severity: 'critical',
    code: 'NotFound',
    kinds: ['import'],
    looksAt: ['import.refusal'],
    finds: 'The folder has no VM of that id, or a file that it needs is missing, damaged, or does not find its parent.',
    remedy: 'Complete the folder, or say where the disk is (--disk scsi-0-1=PATH).',
    source: 'Microsoft: Import-VM; Compare-VM',
    look(see, request) {
      const failure = see['import.refusal'];
      if (failure === null) return undefined;
      const folder = request.kind === 'import' ? request.sourceFolder : '';
      const message = `sourceFolder ${folder}: ${failure.message}`;
      return { message, code: failure.code, mayPass: failure.retry === 'transient' };
    },
  }),
  check({
    id: 'import-in-use',
    severity: 'critical',
    code: 'DestinationOccupied',
    kinds: ['import'],
    scenario: { when: 'in place', holds: (r) => r.kind === 'import' && r.destinationFolder === undefined },
    looksAt: ['import.usedBy'],
    finds: 'A VM of this host uses the disks of the folder: two VMs would write to them.',
    remedy: 'Import a copy (--folder).',
    source: 'hyperferry: design, guarantee 1',
    look(see) {
      const other = see['import.usedBy'];
      return other === null ? undefined : { message: `VM ${other} uses the disks of the folder.` };
    },
  }),
  check({
    id: 'import-version',
    severity: 'critical',
    code: 'ConfigurationVersionUnsupported',
    kinds: ['import'],
    looksAt: ['import.configurationVersion', 'destination.configurationVersions'],
    finds: 'The host does not know the configuration version of the exported VM.',
    remedy: 'Import it on a host that does.',
    source: 'Microsoft: Import-VM; error 32784',
    look(see) {
      const [version, known] = [see['import.configurationVersion'], see['destination.configurationVersions']];
      if (known.includes(version)) return undefined;
      return { message: `The VM has configuration version ${version}; the host supports ${known.join(', ')}.` };
    },
  }),
  check({
    id: 'import-processors',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: ['import'],
    looksAt: ['import.processorCount', 'destination.logicalProcessors'],
    finds: 'The exported VM has more processors than the host has logical ones: it would not start.',
    remedy: 'Import it on a larger host.',
    source: 'Microsoft: Compare-VM',
    look(see) {
      const [wanted, has] = [see['import.processorCount'], see['destination.logicalProcessors']];
      return wanted <= has
        ? undefined
        : { message: `The VM has ${wanted} processors; the host has ${has} logical ones.` };
    },
  }),
  check({
    id: 'import-memory',
    severity: 'critical',
    code: 'NotEnoughMemory',
    kinds: ['import'],
    scenario: {
      when: 'as a copy, or where it is started',
      holds: (r) => r.kind === 'import' && (r.policy.start || r.destinationFolder !== undefined),
    },
    looksAt: ['import.memoryBytes', 'destination.memory'],
    finds: 'The host has less memory free than the exported VM needs.',
    remedy: 'Free memory on the host, or import it on another.',
    source: 'Microsoft: Compare-VM',
    look(see) {
      const [needed, { freeBytes }] = [see['import.memoryBytes'], see['destination.memory']];
      return freeBytes >= needed
        ? undefined
        : { message: `The VM needs ${needed} bytes of memory; ${freeBytes} are free.` };
    },
  }),
  check({
    id: 'import-fix-ups',
    severity: 'information',
    code: 'PreflightFailed',
    kinds: ['import'],
    looksAt: ['import.fixUps'],
    finds: 'The import has to change something of the configuration.',
    remedy: 'Look at the changes: with --fix-ups ask, which is the default, the run asks before it makes them.',
    source: 'Microsoft: Compare-VM, "Incompatibilities"',
    look(see) {
      const changes = see['import.fixUps'].map(({ what, from, to }) => `${what}: ${from} becomes ${to}`).join('; ');
      return changes === '' ? undefined : { message: `The import changes ${changes}.` };
    },
  }),
];
