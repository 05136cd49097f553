import type { BatchStatus } from '../../contracts/batch';
import { hostFacts, vmFacts, type VmFacts } from '../../contracts/facts';
import { failureOf } from '../../contracts/failure';
import { batchStatus } from '../../contracts/batch';
import { migrationStatus, type MigrationStatus } from '../../contracts/migration';
import type { RoleSettings } from '../../contracts/operations';
import { receiptBody, type Receipt } from '../../contracts/receipt';
import { signReceipt } from '../../relay/receipt-signature';
import { generateSigningKey, signingKeyFrom } from '../../relay/signing';
import { hostItem, type HostItem } from '../api/client';

// Documents for tests. Each goes through the schema of its contract, so that a test cannot pass on a document that no app would send.

export const mib = 1024 * 1024;
export const vmIdA = '6f9619ff-8b86-d011-b42d-00c04fc964ff';
export const vmIdB = '11111111-2222-3333-4444-555555555555';
const digest = 'ab'.repeat(32);

export function sampleHost(hostId: string, roots: Record<string, number>): HostItem {
  const volumes = Object.entries(roots).map(([root, freeBytes]) => ({
    root,
    sizeBytes: 1024 * 1024 * mib,
    freeBytes,
    reservedBytes: 0,
  }));
  const facts = hostFacts.parse({
    hostId,
    driver: 'simulated',
    agentVersion: '0.1.0',
    memoryBytes: 8192 * mib,
    memoryFreeBytes: 4096 * mib,
    volumes,
    switches: ['LAN'],
    byteRoute: { address: '127.0.0.1', port: 7081, certificateSha256: digest },
    clientCertificateSha256: digest,
  });
  return hostItem.parse({ hostId, reachable: true, facts, failure: null });
}

export const sampleAbsentHost = (hostId: string): HostItem =>
  hostItem.parse({
    hostId,
    reachable: false,
    facts: null,
    failure: failureOf('RelayUnreachable', { message: `no listener for ${hostId}` }),
  });

export const sampleVm = (more: Partial<Record<keyof VmFacts, unknown>> = {}): VmFacts =>
  vmFacts.parse({
    vmId: vmIdA,
    name: 'web01',
    state: 'running',
    generation: 2,
    configurationVersion: '9.0',
    processorCount: 2,
    memoryBytes: 64 * mib,
    switchName: 'LAN',
    configurationPath: '/vm/web01',
    disks: [
      {
        diskId: 'scsi-0-0',
        path: '/vm/web01/disk.vhdx',
        virtualSizeBytes: 2048 * mib,
        images: [
          {
            index: 0,
            path: '/vm/web01/disk.vhdx',
            kind: 'dynamic',
            virtualSizeBytes: 2048 * mib,
            fileSizeBytes: 604 * mib,
            allocatedBytes: 600 * mib,
          },
        ],
      },
    ],
    vmCheckpointCount: 0,
    heartbeat: 'ok',
    reservedBy: null,
    fencedBy: null,
    ...more,
  });

export const sampleStatus = (more: Partial<Record<keyof MigrationStatus, unknown>> = {}): MigrationStatus =>
  migrationStatus.parse({
    schema: 1,
    state: 'running',
    phase: 'pull-base',
    step: 'Transfer',
    unwinding: false,
    progress: {
      bytesDone: 271 * mib,
      bytesTotal: 664 * mib,
      bytesPerSecond: 100 * mib,
      disks: [
        { name: 'scsi-0-0', bytesDone: 271 * mib, bytesTotal: 600 * mib },
        { name: 'memory', bytesDone: 0, bytesTotal: 64 * mib },
      ],
    },
    expectedEndAt: '2026-08-01T20:00:09.000Z',
    waitingFor: null,
    question: null,
    failure: null,
    cancelRequested: false,
    cancelable: true,
    pausable: false,
    paused: false,
    id: 'm1',
    runId: 'm1-r1',
    kind: 'quick-storage',
    vmId: vmIdA,
    sourceHost: 'host-a',
    destinationHost: 'host-b',
    createdAt: '2026-08-01T20:00:00.000Z',
    updatedAt: '2026-08-01T20:00:05.000Z',
    links: {
      self: '/api/migrations/m1',
      cancel: '/api/migrations/m1/cancel',
      answer: '/api/migrations/m1/answer',
      receipt: '/api/migrations/m1/receipt',
    },
    ...more,
  });

export const sampleParked = (): MigrationStatus =>
  sampleStatus({
    state: 'parked',
    phase: 'start-vm',
    step: 'Cutover',
    progress: null,
    question: {
      questionId: 'q7',
      text: 'The start at the destination may have taken effect. What now?',
      answers: ['retry', 'accept'],
      failure: failureOf('StartFailed', { message: 'the VM did not come up' }),
    },
  });

export const sampleRolledBack = (): MigrationStatus =>
  sampleStatus({
    state: 'rolled-back',
    phase: null,
    step: null,
    progress: null,
    failure: failureOf('NotEnoughRoom', { message: '/vm has 1 GiB free, 3 GiB are needed' }),
  });

export const sampleSigningKey = signingKeyFrom(generateSigningKey().privateKeyBase64);

export const sampleRole: RoleSettings = {
  name: 'SCVMM web01 Resources',
  priority: 2000,
  preferredOwners: [],
  possibleOwners: null,
  failoverThreshold: 2,
  failoverPeriodHours: 6,
  autoFailbackType: 0,
  failbackWindowStart: 0xffff_ffff,
  failbackWindowEnd: 0xffff_ffff,
  antiAffinityClassNames: [],
};

export const sampleReceipt = (more: Partial<Record<keyof Receipt, unknown>> = {}): Receipt =>
  signReceipt(
    sampleSigningKey,
    receiptBody.parse({
      schema: 1,
      id: 'm1',
      runId: 'm1-r1',
      state: 'completed',
      request: {
        id: 'm1',
        kind: 'quick-storage',
        vmId: vmIdA,
        sourceHost: 'host-a',
        destinationHost: 'host-b',
        destinationFolder: '/vm',
      },
      startedAt: '2026-08-01T20:00:00.000Z',
      endedAt: '2026-08-01T20:00:12.500Z',
      phases: [
        {
          name: 'reserve',
          action: 'do',
          outcome: 'done',
          attempts: 1,
          startedAt: '2026-08-01T20:00:00.000Z',
          endedAt: '2026-08-01T20:00:00.120Z',
        },
        {
          name: 'pull-base',
          action: 'do',
          outcome: 'done',
          attempts: 2,
          startedAt: '2026-08-01T20:00:01.000Z',
          endedAt: '2026-08-01T20:00:09.000Z',
        },
      ],
      outage: { type: 'measured', ms: 2400 },
      files: [
        {
          name: 'scsi-0-0',
          digest,
          dataBytes: 600 * mib,
          sentBytes: 612 * mib,
          resentBytes: 12 * mib,
          zeroBytes: 0,
        },
      ],
      verified: [{ diskId: 'scsi-0-0', merkleRoot: digest, bytesRead: 32 * mib }],
      configurationChanges: ['disk scsi-0-0 now lies in /vm/web01'],
      leftovers: [{ hostId: 'host-a', what: 'retired-vm', runId: 'm1-r1', detail: 'kept by the policy' }],
      hostsNotAsked: [],
      failure: null,
      ...more,
    }),
  );

export const sampleBatch = (): BatchStatus =>
  batchStatus.parse({
    id: 'weekend-1',
    state: 'running',
    startAt: '2026-08-01T22:00:00+02:00',
    maxConcurrent: 2,
    createdAt: '2026-08-01T19:00:00.000Z',
    counts: { queued: 1, running: 1, parked: 0, completed: 0, 'rolled-back': 1, rejected: 0 },
    migrations: [
      { id: 'weekend-1-1', state: 'running', failure: null },
      { id: 'weekend-1-2', state: 'queued', failure: null },
      { id: 'weekend-1-3', state: 'rolled-back', failure: failureOf('DiskFull', { message: '/vm is full' }) },
    ],
    links: { self: '/api/batches/weekend-1' },
  });
