import { z } from 'zod';

/** As Hyper-V has it; no control characters, which no administrator could type. */
export const guardianName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^\P{Cc}+$/u, 'use a name without control characters');
/** SHA-1 of a certificate, as Windows writes it. */
export const thumbprint = z.string().regex(/^[0-9A-F]{40}$/, 'use 40 hexadecimal digits, upper case');
/** 256 random bits, base64url. */
export const pfxPassword = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'use 43 characters of base64url');
/** PKCS #12: a certificate with its private key. */
export const pfxBase64 = z
  .base64()
  .min(1)
  .max(512 * 1024);

const path = z.string().min(1).max(1024);

const guardianFacts = z.object({
  name: z.string(),
  /** Whether Hyper-V finds the private key of its signing certificate here. */
  hasPrivateKey: z.boolean(),
  signingThumbprint: z.string(),
  encryptionThumbprint: z.string(),
});
export type GuardianFacts = z.infer<typeof guardianFacts>;

export const readGuardiansArguments = z.object({});
export const guardiansValue = z.object({ guardians: z.array(guardianFacts) });

export const exportGuardianArguments = z.object({ Name: guardianName, Password: pfxPassword });
export const exportedGuardian = z.discriminatedUnion('state', [
  z.object({ state: z.literal('absent') }),
  /** One private key, or both, are not in the store of this host where guardians have them. */
  z.object({ state: z.literal('no-private-keys'), guardian: guardianFacts }),
  /** The keys are here, and were made so that they cannot leave. */
  z.object({ state: z.literal('not-exportable'), guardian: guardianFacts }),
  z.object({ state: z.literal('exported'), guardian: guardianFacts, signingPfx: pfxBase64, encryptionPfx: pfxBase64 }),
]);

export const importGuardianArguments = z.object({
  Name: guardianName,
  SigningThumbprint: thumbprint,
  EncryptionThumbprint: thumbprint,
  SigningPath: path,
  EncryptionPath: path,
  Password: pfxPassword,
});
export const importedGuardian = z.object({
  /** `already`: a guardian with these certificates and their private keys is here. `name-taken`: one of that name with others. */
  state: z.enum(['imported', 'already', 'name-taken']),
  guardian: guardianFacts,
});
