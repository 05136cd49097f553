import { z } from 'zod';
import { bandwidthBytesPerSecondMin, bandwidthHours as hours } from '../bandwidth';

/** Fields that several kinds take. */

/** Folder on the destination host; the VM gets a folder of its own below it. */
export const destinationFolder = z.string().min(1).max(240);

/** Virtual switch at the destination; null keeps the name it has now. */
export const destinationSwitch = z.string().max(200).nullable().default(null);

export const heartbeatWaitMsMax = z.int().min(1000).max(3_600_000).default(300_000);

/** Limit of the byte route for a run; null is no limit. */
export const bandwidthBytesPerSecondMax = z.int().min(bandwidthBytesPerSecondMin).nullable().default(null);

export const routes = ['direct', 'staged'] as const;
export type ByteRouteChoice = (typeof routes)[number];
/** How bytes get from host to host: from agent to agent, or through a staging container, for hosts that do not see each other. */
export const route = z.enum(routes).default('direct');

export const roleChoices = ['leave', 'make'] as const;
/**
 * What becomes of the role of a VM that leaves its cluster: it is removed and left behind, or made again at the destination. Absent: a VM that is
 * a role is refused.
 */
export const role = z.enum(roleChoices).optional();

/** Hours in which another limit holds; null is none. */
export const bandwidthHours = hours.nullable().default(null);

export const diskFormatsWanted = ['vhdx'] as const;
/** The format that disks of another one are given on their way: Hyper-V's own for what it makes today. Without it each keeps its own. */
export const convertTo = z.enum(diskFormatsWanted).optional();
export type DiskFormatWanted = z.infer<typeof convertTo>;

export const retirePolicies = ['keep', 'unregister', 'delete'] as const;
/** What becomes of the source once the destination runs: fenced and kept, unregistered with its files kept, or deleted. */
export const retire = z.enum(retirePolicies).default('keep');

export const stopPolicies = ['save', 'shut-down'] as const;
export type StopPolicy = (typeof stopPolicies)[number];
/** How a VM that runs is stopped for the cutover: its memory saved and carried over, or its guest shut down and started anew. */
export const stop = z.enum(stopPolicies).default('save');

/** Longest outage that the owner allows, in milliseconds. */
export const outageMsMax = z.int().min(1000).max(86_400_000).default(60_000);

export const notShrinkingPolicies = ['ask', 'cut-over', 'give-up'] as const;
/** What becomes of a pre-copy whose rounds stop shrinking before the last one fits the outage that is allowed. */
export const ifNotShrinking = z.enum(notShrinkingPolicies).default('ask');

/** Rounds of changes before it counts as not shrinking. */
export const roundsMax = z.int().min(1).max(100).default(20);

/** Whether a person must let the cutover begin. */
export const approve = z.boolean().default(false);

export const verifyScopes = ['changed', 'all'] as const;
/** After the copy every block was verified; `changed` verifies what the last differencing disk touches once more, `all` reads both whole disks. */
export const verify = z.enum(verifyScopes).default('changed');

/** Why a kind takes no route. */
export const noByteRoute = 'no byte route is used';

/** Why kinds whose bytes the hypervisor moves, or nobody, do not take what the byte route has. */
export const movedByHypervisor = {
  bandwidthBytesPerSecondMax: noByteRoute,
  bandwidthHours: noByteRoute,
  retire: 'nothing of the VM is left at the source',
  verify: 'no copy is made that could be compared',
} as const;
