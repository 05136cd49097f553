import { randomBytes } from 'node:crypto';
import { failed, failureOf, succeeded, type Failure, type Outcome } from '../contracts/failure';
import type { HostId, OperationId, RunId } from '../contracts/ids';
import type { OperationOutput, StagingAccess } from '../contracts/operations';
import { openSealedKey, sealingKeyFrom, stagingContext } from '../relay/sealed-key';
import type { Clock } from './clock';
import type { AgentCertificate } from './disks/route/certificate';
import { openSource } from './disks/route/content-store';
import { copiedAsVhdx, type RouteImages } from './disks/route/route-images';
import { AccessHolder } from './disks/staged/access';
import type { BlockStore } from './disks/staged/block-store';
import { BlocksUnderWay } from './disks/staged/blocks-under-way';
import { fetchContent } from './disks/staged/fetch';
import { batchKeyBytes, stagingKeysFrom, type StagingKeys } from './disks/staged/keys';
import { stagedPace } from './disks/staged/limits';
import type { StagedRequest } from './disks/staged/request';
import { stageContent } from './disks/staged/stage';
import type { HyperVDriver } from './hyperv/driver';
import type { StagedOperations, StagedTask } from './operations/handlers';

export type StagingStore = (access: StagingAccess, signal: AbortSignal) => BlockStore;

export type StagedRouteParts = {
  readonly hostId: HostId;
  /** Its private key is what the key pair of the agent follows from, to which batch keys are sealed. */
  readonly certificate: Pick<AgentCertificate, 'key'>;
  readonly driver: Pick<HyperVDriver, 'locateForReading' | 'locateForWriting'>;
  readonly images: RouteImages;
  /** The container that an access is to. */
  readonly storeOf: StagingStore;
  readonly clock: Clock;
};

/** The staged route of this agent: carries its operations out, and takes the access that the app renews while they go on. */
export class StagedRoute implements StagedOperations {
  /** X25519, SPKI in DER, base64: what the app seals batch keys to. */
  readonly sealingKey: string;
  readonly #parts: StagedRouteParts;
  readonly #privateKey: ReturnType<typeof sealingKeyFrom>['privateKey'];
  readonly #holders = new Map<OperationId, AccessHolder>();
  readonly #underWay = new BlocksUnderWay();

  constructor(parts: StagedRouteParts) {
    this.#parts = parts;
    const { privateKey, publicKeyBase64 } = sealingKeyFrom(parts.certificate.key);
    this.#privateKey = privateKey;
    this.sealingKey = publicKeyBase64;
  }

  /** Puts what makes up a file into the staging container. */
  stage(task: StagedTask<'stage'>): Promise<Outcome<OperationOutput<'stage'>>> {
    const { driver, images } = this.#parts;
    const { vmId, subject } = task.input;
    return this.#with(task, async (request) => {
      const located = await driver.locateForReading(task.runId, vmId, subject);
      if (!located.ok) return located;
      return stageContent({
        ...request,
        open: () => openSource(images, located.value, subject.type),
        underWay: this.#underWay,
        newNonce: () => randomBytes(12),
      });
    });
  }

  /** Makes a copy of what is staged. */
  pull(task: StagedTask<'pull-staged'>): Promise<Outcome<OperationOutput<'pull-staged'>>> {
    const { driver, images } = this.#parts;
    const { vmId, folder, subject, convertTo } = task.input;
    const copied = convertTo === undefined ? images : copiedAsVhdx(images);
    return this.#with(task, async (request) => {
      const place = await driver.locateForWriting(task.runId, vmId, folder, subject);
      return place.ok ? fetchContent({ ...request, ...place.value, subject, images: copied }) : place;
    });
  }

  /** Gives an operation under way newer access. `OperationLost` when it is not under way here. */
  renew(operationId: OperationId, access: StagingAccess): Outcome<object> {
    const holder = this.#holders.get(operationId);
    holder?.renew(access);
    if (holder !== undefined) return succeeded({});
    const message = `this host has no operation ${operationId} of the staged route under way`;
    return failed(failureOf('OperationLost', { message, effect: 'none', subject: { operationId } }));
  }

  async #with<K extends 'stage' | 'pull-staged', T>(
    task: StagedTask<K>,
    work: (request: StagedRequest) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    const { runId, input, operationId, signal } = task;
    const { clock, storeOf } = this.#parts;
    const keys = this.#keysFor(runId, input.staging.sealedKey);
    if (keys === undefined) return failed(notForThisAgent(this.#parts.hostId));
    const holder = new AccessHolder(input.staging.access);
    this.#holders.set(operationId, holder);
    try {
      const { name, bandwidthBytesPerSecondMax, bandwidthHours, ledgerWatermarkBytes } = input;
      return await work({
        runId,
        name,
        keys,
        access: holder,
        storeOf: (access) => storeOf(access, signal),
        bandwidthBytesPerSecondMax,
        bandwidthHours,
        ledgerWatermarkBytes,
        clock,
        signal,
        report: (progress) => task.report({ ...progress, accessEndsAtMs: holder.current.expiresAtMs }),
        pace: stagedPace,
      });
    } finally {
      this.#holders.delete(operationId);
    }
  }

  #keysFor(runId: RunId, sealedKey: string): StagingKeys | undefined {
    const key = openSealedKey(this.#privateKey, sealedKey, stagingContext(runId, this.#parts.hostId));
    return key?.length === batchKeyBytes ? stagingKeysFrom(key) : undefined;
  }
}

/** The agent has got another certificate, and with it another key, since the app asked for it. */
const notForThisAgent = (hostId: HostId): Failure =>
  failureOf('StagingAccessEnded', {
    message: `the key of the batch was not sealed to the key that ${hostId} has`,
    effect: 'none',
  });
