import { z } from 'zod';
import { bandwidthHours } from '../bandwidth';
import { convertTo } from '../requests/shapes';
import { pullOperations, pullSubject } from './pull';
import { bytes, digest, ofPlace, ofVm, type OperationDefinition } from './shapes';

/** For a while the right to read one container of Blob Storage, or to add to it. */
export const stagingAccess = z.object({
  containerUrl: z.url().max(1000),
  /** A shared access signature, as the query of a URL without its "?". */
  sas: z.string().min(1).max(2000),
  expiresAtMs: z.int().positive(),
});
export type StagingAccess = z.infer<typeof stagingAccess>;

/** Made when the operation is sent; it never enters an orchestration's history. */
const staging = z.object({
  access: stagingAccess,
  /** The key of the batch, sealed for the agent that is asked (relay/sealed-key.ts). */
  sealedKey: z.string().max(400),
});

const ofBoth = {
  subject: pullSubject,
  /** What the file is called among those of its run, in the staging container and in the ledger. */
  name: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/),
  staging,
  bandwidthBytesPerSecondMax: z.int().positive().nullable(),
  bandwidthHours: bandwidthHours.nullable().default(null),
  /** What the ledger holds of the copy at the destination. */
  ledgerWatermarkBytes: bytes.nullable(),
};

export const stagedOperations = {
  /** Puts what makes up a file into the staging container, as far as it is not there. */
  stage: {
    input: ofVm.extend(ofBoth),
    output: z.object({
      /** The one that `pull-staged` answers too. */
      digest,
      dataBytes: bytes,
      zeroBytes: bytes,
      /** Of the data: what no file of the batch had put before. */
      putBytes: bytes,
    }),
    afterStart: 'allowed',
  },
  /** Makes a copy of what is staged, or is being staged, of a file. */
  'pull-staged': {
    input: ofPlace.extend({ ...ofBoth, convertTo }),
    output: pullOperations.pull.output,
    afterStart: 'refused',
  },
} as const satisfies Record<string, OperationDefinition>;
