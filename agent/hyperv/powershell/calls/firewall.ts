import { z } from 'zod';
import { hostId } from '../../../../contracts/ids';

export const closeFirewallArguments = z.object({ HostId: hostId });
export const openFirewallArguments = closeFirewallArguments.extend({
  Port: z.int().min(1).max(65_535),
  /** The program that listens. */
  Program: z.string().min(1).max(1024),
});

/** How many rules of this agent there are afterwards. */
export const firewallValue = z.object({ rules: z.int().nonnegative() });
